how="nothing happens for half a minute but TCP keep-alives, then the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    stay=32 healthy_session $SERVER4 /sec:tls
}
