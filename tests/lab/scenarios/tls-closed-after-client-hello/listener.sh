how="the server confirms TLS, reads the ClientHello and closes with FIN. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="the Connection Confirm and the FIN are a script's"
play() {
    peer server close listen 3389 recv cc:1 recv fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
