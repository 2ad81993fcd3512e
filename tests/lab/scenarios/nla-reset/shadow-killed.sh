how="the server hangs as the client's first credential message comes and is killed with it unread: the kernel resets (TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    shadow_start /sec:nla
    path "c4=run:kill -STOP $SHADOW; sleep 0.03; (sleep 0.3; kill -KILL $SHADOW) &"
    capture client
    password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 4
}
