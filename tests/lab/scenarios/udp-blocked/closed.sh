how="nothing listens on UDP 3389, and the server says so with ICMP. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    capture client
    datagram_client $SERVER4
    at_most 15
}
