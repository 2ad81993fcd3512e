how="version 2; the capture begins in the midst of data. Captured at the server."
peers="our own after the specification, OpenSSL"
format=pcapng.gz
play() {
    datagram_server send=600 every=10
    datagram_client $SERVER4 send=600 every=10
    sleep 3
    capture server
    at_most 20
}
