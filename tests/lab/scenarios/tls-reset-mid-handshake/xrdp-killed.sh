how="xrdp hangs after its ServerHello flight and is killed with the client's second flight unread: the kernel resets (TLS 1.2). Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    capture client
    peer client slow connect $SERVER4 3389 cr:1 recv tls-part: silent:1 tls-rest silent:2 eof
    sleep 0.6
    kill -STOP $(ip netns pids lab-server)
    sleep 1
    kill -KILL $(ip netns pids lab-server)
    at_most 4
}
