how="the server closes with FIN after its ServerHello flight (TLS 1.2). Captured at the client."
peers="xfreerdp 2.11.7, OpenSSL 3.0 through a script"
forged="the Connection Confirm and the FIN are a script's"
play() {
    certificate server
    peer server close listen 3389 recv cc:1 "tls-part:max=1.2,cert=$WORK/server.crt,key=$WORK/server.key" recv fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
