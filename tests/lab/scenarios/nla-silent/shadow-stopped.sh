how="the server is stopped (SIGSTOP) as the client's first credential message comes; its kernel acknowledges it; the client is closed after 7 s (TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    shadow_start /sec:nla
    path "c4=run:kill -STOP $SHADOW; sleep 0.03"
    capture client
    password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 7
}
