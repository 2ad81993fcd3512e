how="version 3 as Windows speaks it: a correlation id, no third datagram of the handshake, dummy packets. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server version=3 dummy=10 send=60 size=200 every=10
    capture client
    datagram_client $SERVER4 version=3 hash=1 dummy=10 send=60 size=200 every=10
    at_most 20
}
