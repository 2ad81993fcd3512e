how="a listener reads the request and closes with FIN. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="the server's closing is a script's"
play() {
    peer server close listen 3389 recv fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 2
}
