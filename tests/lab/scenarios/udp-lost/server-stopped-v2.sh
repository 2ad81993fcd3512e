how="version 2; the server's process hangs (SIGSTOP) in the midst of data; the client repeats, then closes. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server send=100000 every=80
    capture server
    datagram_client $SERVER4 send=100000 every=80
    sleep 4
    kill -STOP $RDPEUDP_SERVER
    PID=$RDPEUDP_CLIENT
    at_most 30
}
