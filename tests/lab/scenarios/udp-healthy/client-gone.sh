how="version 2; the client's program ends while the server still sends, and the client's host answers with ICMP port unreachable: an ordinary end. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=100000 every=60
    capture server
    datagram_client $SERVER4 send=50 every=60
    sleep 3
    kill $RDPEUDP_CLIENT
    sleep 4
}
