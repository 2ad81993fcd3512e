how="the same link without ICMP; the server's kernel finds the path's MTU by itself after some repeats (RFC 4821). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    big_certificate server
    in_ns server sysctl -q -w net.ipv4.tcp_mtu_probing=1
    xrdp_start
    small_link 1300
    rule router output icmp type destination-unreachable drop
    capture client
    stay=14 healthy_session $SERVER4 /sec:tls
}
