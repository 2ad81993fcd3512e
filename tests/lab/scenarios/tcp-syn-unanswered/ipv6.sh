how="the router drops IPv6 packets to port 3389. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
play() {
    rule router forward ip6 nexthdr tcp tcp dport 3389 drop
    capture client
    xfreerdp_start "[$SERVER6]"
    at_most 4
}
