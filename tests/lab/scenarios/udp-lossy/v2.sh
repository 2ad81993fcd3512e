how="version 2; 15 % of each end's datagrams are lost. Captured between, in the middle of what loses."
peers="our own after the specification, OpenSSL, a script that forwards and loses"
play() {
    datagram_path loss-c=15 loss-s=15
    datagram_server send=150 every=5
    capture between
    datagram_client $SERVER4 send=150 every=5
    at_most 30
}
