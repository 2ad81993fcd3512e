how="version 2; the client offers TLS 1.3 alone, the server speaks TLS 1.2 at most and answers with an alert. Captured between."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server tls=1.2
    capture router-client
    datagram_client $SERVER4 min=1.3
    at_most 20
}
