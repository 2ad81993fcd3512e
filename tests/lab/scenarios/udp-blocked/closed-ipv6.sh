how="over IPv6, nothing listens on UDP 3389, and the server says so with ICMPv6. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    capture client
    datagram_client $SERVER6
    at_most 15
}
