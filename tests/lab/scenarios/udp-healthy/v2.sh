how="the client offers version 0x0003, the server answers with version 2, as in captures of Windows. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=60 size=200 every=10 tls=1.2
    capture server
    datagram_client $SERVER4 offer=0x0003 send=60 size=200 every=10
    at_most 20
    sleep 1
}
