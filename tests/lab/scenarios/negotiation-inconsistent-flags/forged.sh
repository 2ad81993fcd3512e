how="the Connection Confirm carries RDP_NEG_FAILURE 4, the client closes. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="no server for Linux says this; 19 bytes with the layout of a Windows server's failure"
play() {
    peer server failure listen 3389 recv failure:4 eof
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
