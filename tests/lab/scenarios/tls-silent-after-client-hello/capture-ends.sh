how="the server goes silent after the ClientHello; the capture ends 6 s later. Captured at the router."
peers="xfreerdp 2.11.7, a script"
forged="the Connection Confirm is a script's"
play() {
    peer server mute listen 3389 recv cc:1 recv silent:30
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 6.5
    in_ns client ping -q -c1 $SERVER4
    capture_stop
}
