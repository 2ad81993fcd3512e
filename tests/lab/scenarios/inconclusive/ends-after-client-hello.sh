how="the capture ends 1.5 s after the ClientHello, with no answer until then. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="the Connection Confirm is a script's"
play() {
    peer server mute listen 3389 recv cc:1 recv silent:30
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 1.5
    in_ns client ping -q -c1 $SERVER4
    capture_stop
}
