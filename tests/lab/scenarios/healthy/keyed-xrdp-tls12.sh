how="the same over TLS 1.2 with AES in CBC mode, the secrets told by the server. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    keyed xrdp_start ssl_protocols=TLSv1.2 tls_ciphers=ECDHE-RSA-AES256-SHA384
    capture server
    named healthy_session $SERVER4 /sec:tls
}
