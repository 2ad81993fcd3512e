how="version 2; the TLS secrets of both ends are in the capture, so the tunnel's answer can be read. Captured between."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=40 size=200 every=10 keylog="$WORK/keys.txt"
    capture router-client
    datagram_client $SERVER4 send=40 size=200 every=10
    at_most 20
    sleep 1
}
