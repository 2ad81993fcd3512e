how="as shadow-killed, under TLS 1.2, 10 ms away. Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    tls12 shadow_start /sec:nla
    path t0=delay:5 "c4=run:kill -STOP $SHADOW; sleep 0.03; (sleep 0.3; kill -KILL $SHADOW) &"
    capture server
    password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 4
}
