how="the client trusts no issuer of the certificate and says so in an encrypted alert (TLS 1.3), with the session's TLS secrets in the capture. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12, rustls)"
play() {
    rdp_server
    capture client
    rdp_client $SERVER4 check=1
}
