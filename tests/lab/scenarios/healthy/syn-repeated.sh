how="the first SYN is lost, the second gets through. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path t0=drop-c t0.5=pass
    capture client
    healthy_session $SERVER4 /sec:tls
}
