how="xrdp with security_layer=rdp selects Standard RDP Security, the client had asked for TLS only and leaves. Captured at the client."
peers="xfreerdp 2.11.7 /sec:tls, xrdp 0.9.21"
play() {
    xrdp_start security_layer=rdp
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
