how="the server's certificate ran out in 2024, the client verifies it and says certificate_expired (TLS 1.3). Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    certificate server "2024-01-01 00:00:00" 30
    xrdp_start ssl_protocols=TLSv1.3
    capture client
    peer client verifying connect $SERVER4 3389 cr:1 recv tls:ca=$WORK/server.crt
    at_most 3
}
