how="version 2; the server's process is killed, and its host answers with ICMP port unreachable. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=100000 every=80
    capture client
    datagram_client $SERVER4 send=100000 every=80
    sleep 4
    kill -KILL $RDPEUDP_SERVER
    sleep 4
}
