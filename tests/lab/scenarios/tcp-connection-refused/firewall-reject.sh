how="the router's firewall answers the SYN with a RST although xrdp listens. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
play() {
    xrdp_start
    rule router forward tcp dport 3389 reject with tcp reset
    capture client
    xfreerdp_start $SERVER4
    at_most 4
}
