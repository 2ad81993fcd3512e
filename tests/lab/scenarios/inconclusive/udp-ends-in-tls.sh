how="RDP-UDP of version 3; the capture ends in the midst of the TLS handshake (cut after capturing)."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server stay=20
    capture client
    ironrdp_client $SERVER4
    at_most 10
    capture_stop
    frames 'frame.number <= 8'
}
