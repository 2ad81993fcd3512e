how="version 2, nothing lost; the capture lacks each thirteenth frame (taken out after capturing). Captured at the server."
peers="our own after the specification, OpenSSL"
forged="what the capture lacks"
play() {
    datagram_server send=150 size=8 every=4
    capture server udp
    datagram_client $SERVER4 send=150 size=8 every=4
    at_most 20
    capture_stop
    tag lacks=13
}
