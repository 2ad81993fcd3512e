how="a listener reads the request and never answers; nobody gives up, the capture ends after 6 s (a ping shows that it ran). Captured at the router."
peers="xfreerdp 2.11.7, a script"
forged="the server's silence is a script's"
play() {
    peer server mute listen 3389 recv silent:30
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 6
    in_ns client ping -q -c1 $SERVER4
    capture_stop
}
