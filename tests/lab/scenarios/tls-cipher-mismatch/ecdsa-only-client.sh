how="the server has an RSA certificate, the client offers ECDSA suites only (a look-alike of old suites). Captured at the router."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    capture router-server
    peer client ecdsa connect $SERVER4 3389 cr:1 recv tls:max=1.2,ciphers=ECDHE-ECDSA-AES128-GCM-SHA256
    at_most 3
}
