how="xrdp's login screen over TLS 1.3, with the session's TLS secrets in the capture; the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    named keyed healthy_session $SERVER4 /sec:tls
}
