how="Standard RDP Security: xrdp ends the session. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 with security_layer=rdp"
play() {
    xrdp_start security_layer=rdp
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
