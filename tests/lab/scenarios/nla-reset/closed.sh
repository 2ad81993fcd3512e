how="the server's program ends on the way (SIGTERM) after its challenge: it closes with FIN (TLS 1.3). Captured at the router."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the signal is a script's"
play() {
    shadow_start /sec:nla
    path "s5=run:kill -TERM $SHADOW"
    capture router-server
    password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 4
}
