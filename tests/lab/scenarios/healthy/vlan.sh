how="frames with an 802.1Q tag, as from a mirror port. Captured at the router; the tags were put in afterwards (no VLAN devices in this kernel)."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-client
    healthy_session $SERVER4 /sec:tls
    capture_stop
    tag vlan=77
}
