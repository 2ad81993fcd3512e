how="xrdp allows one AES-256 suite of TLS 1.2, the client offers one AES-128 suite. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start ssl_protocols=TLSv1.2 tls_ciphers=ECDHE-RSA-AES256-GCM-SHA384
    capture client
    xfreerdp_start $SERVER4 /sec:tls /tls-ciphers:ECDHE-RSA-AES128-GCM-SHA256
    at_most 3
}
