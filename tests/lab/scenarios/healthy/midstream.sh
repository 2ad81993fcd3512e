how="the capture started in the middle of the session: the first 60 frames were cut off. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    healthy_session $SERVER4 /sec:tls
    capture_stop
    frames "frame.number > 60"
}
