how="xrdp takes three seconds over the channel joins (SIGSTOP, SIGCONT). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path "c6=run:$(signal_to server xrdp STOP); (sleep 3; $(signal_to server xrdp CONT)) &"
    capture client
    stay=5 healthy_session $SERVER4 /sec:tls
}
