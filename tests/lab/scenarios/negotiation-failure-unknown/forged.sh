how="the Connection Confirm carries RDP_NEG_FAILURE 0x99, the client closes. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="a code that no specification names"
play() {
    peer server failure listen 3389 recv failure:0x99 eof
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
