how="the same small link; the router says \"fragmentation needed\", but the server's own firewall drops that. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    big_certificate server
    xrdp_start
    small_link 1300
    rule server input icmp type destination-unreachable drop
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 12
}
