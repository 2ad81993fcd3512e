how="the client's program is ended (SIGTERM) in the middle of the channel joins (TLS 1.3). Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the moment of the signal is a script's"
play() {
    xrdp_start
    path t0=delay:5 "s7=run:$(signal_to client xfreerdp TERM)"
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
