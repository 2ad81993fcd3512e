how="Standard RDP Security (RC4, 128 bits) with fast-path output; the user closes the window. Captured at the client."
peers="rdesktop 1.9.0, xrdp 0.9.21 with security_layer=rdp"
play() {
    xrdp_start security_layer=rdp
    capture client
    rdesktop_start $SERVER4
    sleep 2.5
    close_window rdesktop
    at_most 3
}
