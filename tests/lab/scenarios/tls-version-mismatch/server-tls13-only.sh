how="xrdp allows TLS 1.3 only, the client at most TLS 1.2. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    xrdp_start ssl_protocols=TLSv1.3
    capture client
    peer client old connect $SERVER4 3389 cr:1 recv tls:max=1.2
    at_most 3
}
