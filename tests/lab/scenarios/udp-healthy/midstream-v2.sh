how="version 2; the capture begins in the midst of data. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=150 every=40
    datagram_client $SERVER4 send=150 every=40
    sleep 3
    capture server
    at_most 20
}
