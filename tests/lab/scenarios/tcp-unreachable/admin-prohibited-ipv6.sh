how="the router's firewall answers the SYN with ICMPv6 1/1. Captured at the router."
peers="xfreerdp 2.11.7, nftables"
play() {
    rule router forward tcp dport 3389 reject with icmpv6 type admin-prohibited
    capture router-client
    xfreerdp_start "[$SERVER6]"
    at_most 4
}
