how="NLA with a wrong password under TLS 1.2; the server hangs for a second (SIGSTOP) before it refuses, as Windows waits. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    tls12 shadow_start /sec:nla
    path "c>400=run:kill -STOP $SHADOW; sleep 0.03; (sleep 1; kill -CONT $SHADOW) &"
    capture client
    password=wrong xfreerdp_start $SERVER4 /sec:nla
    at_most 6
}
