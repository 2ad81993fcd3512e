how="xrdp hangs (SIGSTOP) and is killed while the request is unread: the kernel resets. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    kill -STOP $XRDP
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 0.6
    kill -KILL $XRDP
    at_most 2
}
