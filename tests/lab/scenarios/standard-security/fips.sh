how="Standard RDP Security at the FIPS level: triple DES, with the server's private key beside it; the user moves the mouse and closes the window. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 with security_layer=rdp"
play() {
    own_rsa_key 2048
    xrdp_start security_layer=rdp crypt_level=fips
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    sleep 1
    pointer 1.5
    sleep 1.5
    close_window FreeRDP
    at_most 3
}
