how="xrdp is stopped (SIGSTOP) after its Connection Confirm; its kernel acknowledges the ClientHello; the client gives up after 6 s. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    peer client hung connect $SERVER4 3389 cr:1 recv silent:1 tls-part: silent:6 fin
    sleep 0.6
    kill -STOP $(ip netns pids lab-server)
    at_most 9
}
