how="the server's certificate begins in 2030 (a wrong clock), the client says certificate_not_yet_valid as bad_certificate. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    certificate server "2030-01-01 00:00:00" 30
    xrdp_start ssl_protocols=TLSv1.2
    capture client
    peer client verifying connect $SERVER4 3389 cr:1 recv tls:ca=$WORK/server.crt
    at_most 3
}
