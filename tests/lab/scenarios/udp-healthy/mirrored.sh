how="version 2; every frame stands twice in the capture, as behind a mirror port (doubled after capturing)."
peers="our own after the specification, OpenSSL"
forged="every second frame"
play() {
    datagram_server send=60 size=8 every=4
    capture server udp
    datagram_client $SERVER4 send=60 size=8 every=4
    at_most 20
    capture_stop
    tag twice=yes
}
