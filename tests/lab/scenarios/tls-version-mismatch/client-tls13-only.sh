how="xrdp allows TLS 1.2 only, the client TLS 1.3 only. Captured at the server."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
format=pcapng.gz
play() {
    xrdp_start ssl_protocols=TLSv1.2
    capture server
    peer client new connect $SERVER4 3389 cr:1 recv tls:min=1.3
    at_most 3
}
