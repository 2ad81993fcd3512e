how="lossy mode; a few messages, then nothing but keep-alives every 16 s. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=5
    capture server
    datagram_client $SERVER4 lossy=1 send=5 stay=40
    at_most 50
}
