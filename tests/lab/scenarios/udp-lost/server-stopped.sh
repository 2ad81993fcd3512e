how="version 3; the server's process hangs (SIGSTOP) in the midst of data. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server send=100000 size=20 every=80000
    capture client
    ironrdp_client $SERVER4 send=100000 size=20 every=80000
    sleep 4
    kill -STOP $RDPEUDP_SERVER
    sleep 14
}
