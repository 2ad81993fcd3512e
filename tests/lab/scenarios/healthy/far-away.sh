how="300 ms round trip. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path t0=delay:150
    capture client
    stay=5 healthy_session $SERVER4 /sec:tls
}
