how="xrdp hangs while the user moves the mouse at its logon screen, and is killed: the kernel resets. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-server
    xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    pointer 4
    sleep 1
    kill -STOP $(ip netns pids lab-server)
    sleep 1
    kill -KILL $(ip netns pids lab-server)
    PID=$XFREERDP
    at_most 4
}
