how="RDP-UDP of version 2; only what the client sends was captured."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=60
    capture client src host $CLIENT4 and udp
    datagram_client $SERVER4 send=60
    at_most 10
}
