how="lossy mode, DTLS; after 4 s nothing passes any more, either way. Captured at the client."
peers="our own after the specification, OpenSSL, a script that forwards"
play() {
    datagram_path t4=drop
    datagram_server send=100000 every=80
    capture client
    datagram_client $SERVER4 lossy=1 send=100000 every=80
    sleep 16
}
