how="Standard RDP Security at the low level: only the client encrypts, with the server's private key beside it; the user moves the mouse and closes the window. Captured at the client."
peers="rdesktop 1.9.0, xrdp 0.9.21 with security_layer=rdp"
play() {
    own_rsa_key 512
    xrdp_start security_layer=rdp crypt_level=low
    capture client
    rdesktop_start $SERVER4
    sleep 1
    pointer 1.5
    sleep 1.5
    close_window rdesktop
    at_most 3
}
