how="rdesktop (GnuTLS) over TLS. Captured at the router."
peers="rdesktop 1.9.0, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-server
    rdesktop_start $SERVER4
    sleep 2.5
    close_window rdesktop
    at_most 3
}
