how="lossy mode: version 2 with a cookie hash in the SYN, DTLS with HelloVerifyRequest. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=60 size=200 every=10
    capture client
    datagram_client $SERVER4 lossy=1 hash=1 send=60 size=200 every=10
    at_most 20
}
