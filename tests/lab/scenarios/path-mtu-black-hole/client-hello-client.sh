how="the link between router and server carries 1300 bytes, the router's ICMP is dropped: the long ClientHello gets through only with its tail; the client gives up after 12 s. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21, nftables"
forged="the length of the ClientHello (40 ALPN names) is a script's"
play() {
    xrdp_start
    ip -n lab-router link set srv mtu 1300
    rule router output icmp type destination-unreachable drop
    capture client
    peer client long connect $SERVER4 3389 cr:1 recv tls-part:alpn=40 silent:12 fin
    at_most 14
    in_ns client ping -q -c1 10.77.1.1
}
