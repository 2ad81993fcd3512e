how="xrdp with security_layer=tls, the client offers Standard RDP Security only. Captured at the client."
peers="xfreerdp 2.11.7 /sec:rdp, xrdp 0.9.21"
play() {
    xrdp_start security_layer=tls
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 3
}
