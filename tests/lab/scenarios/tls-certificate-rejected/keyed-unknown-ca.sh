how="the client trusts another issuer and says unknown_ca (TLS 1.3, encrypted), with the session's TLS secrets in the capture. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    certificate other
    xrdp_start ssl_protocols=TLSv1.3
    capture client
    keyed peer client verifying connect $SERVER4 3389 cr:1 recv tls:ca=$WORK/other.crt
    at_most 3
}
