how="the capture ends during the setup inside TLS 1.3, after the handshake and before graphics. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    healthy_session $SERVER4 /sec:tls
    capture_stop
    frames "frame.number <= 30"
}
