how="the router's firewall answers the SYN with ICMP 3/13. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
play() {
    rule router forward tcp dport 3389 reject with icmp type admin-prohibited
    capture client
    xfreerdp_start $SERVER4
    at_most 4
}
