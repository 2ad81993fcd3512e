how="xrdp's login screen over TLS 1.3; the user closes the window. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-client
    healthy_session $SERVER4 /sec:tls
}
