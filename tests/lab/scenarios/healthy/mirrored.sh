how="every frame twice, as a badly set up mirror port delivers them (doubled after capturing). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
snaplen=256
play() {
    xrdp_start
    capture client
    healthy_session $SERVER4 /sec:tls
    capture_stop
    tag twice=yes
}
