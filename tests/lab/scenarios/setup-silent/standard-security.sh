how="Standard RDP Security: xrdp is stopped (SIGSTOP) as the Security Exchange comes; the client is closed after 7 s. Captured at the router-server."
peers="rdesktop 1.9.0, xrdp 0.9.21, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    xrdp_start security_layer=rdp
    path "c12=run:$(signal_to server xrdp STOP)"
    capture router-server
    rdesktop_start $SERVER4
    at_most 8
}
