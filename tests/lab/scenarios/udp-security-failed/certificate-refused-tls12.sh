how="version 2, TLS 1.2; the client refuses a certificate that no authority signed, with an alert. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server tls=1.2
    capture client
    datagram_client $SERVER4 check=1
    at_most 20
    sleep 2
}
