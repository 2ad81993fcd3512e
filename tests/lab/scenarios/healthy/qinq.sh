how="two tags (802.1ad and 802.1Q, put in afterwards). Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-client
    healthy_session $SERVER4 /sec:tls
    capture_stop
    tag vlan=77 outer=770
}
