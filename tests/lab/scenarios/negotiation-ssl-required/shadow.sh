how="a shadow server that speaks TLS only, the client offers Standard RDP Security only. Captured at the router."
peers="xfreerdp 2.11.7 /sec:rdp, freerdp-shadow-cli 2.11.7 /sec:tls"
play() {
    shadow_start /sec:tls
    capture router-client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 3
}
