how="the server resets after its own ServerHello flight (TLS 1.3). Captured at the router."
peers="xfreerdp 2.11.7, OpenSSL 3.0 through a script"
forged="the Connection Confirm and the RST are a script's"
play() {
    certificate server
    peer server reset listen 3389 recv cc:1 "tls-part:cert=$WORK/server.crt,key=$WORK/server.key" rst
    capture router-server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
