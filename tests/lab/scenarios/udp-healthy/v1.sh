how="version 1: the SYN and its answer name no version. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server version=1 send=60 size=200 every=10
    capture client
    datagram_client $SERVER4 offer=0 send=60 size=200 every=10
    at_most 20
}
