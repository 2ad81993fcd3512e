how="xfreerdp to xrdp's login screen over TLS 1.3; the user closes the window. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    display client
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 4
    close_window FreeRDP
    at_most 3
}
