how="a certificate scanner completes the TLS handshake and closes. Captured at the server."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
forged="the client's leaving is a script's (its TLS is OpenSSL's)"
format=pcap.zst
play() {
    xrdp_start
    capture server
    peer client scanner connect $SERVER4 3389 cr:3 recv tls:max=1.2 fin
    at_most 3
}
