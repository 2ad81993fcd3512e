how="RDP-UDP of version 2; the server never answers the tunnel's request. Captured at the client."
peers="our own after the specification, OpenSSL"
forged="the server's lack of an answer"
play() {
    datagram_server tunnel=mute
    capture client
    datagram_client $SERVER4
    at_most 12
}
