how="xrdp is stopped (SIGSTOP) in the middle of the channel joins (TLS 1.3); the client is closed after 7 s. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    xrdp_start 
    path "c8=run:$(signal_to server xrdp STOP)"
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 8
}
