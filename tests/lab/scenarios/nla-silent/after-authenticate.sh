how="the server is stopped as the client's last credential message comes; nobody gives up, the capture ends 7 s later (TLS 1.2; a ping shows that it ran). Captured at the router."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    tls12 shadow_start /sec:nla
    path "c>400=run:kill -STOP $SHADOW; sleep 0.03"
    capture router-client
    password=password xfreerdp_start $SERVER4 /sec:nla
    sleep 8
    in_ns client ping -q -c1 $SERVER4
    capture_stop
}
