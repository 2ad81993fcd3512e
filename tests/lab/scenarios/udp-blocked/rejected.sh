how="a firewall between refuses UDP 3389 with ICMP (administratively prohibited). Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    rule router forward udp dport 3389 reject with icmp type admin-prohibited
    capture client
    datagram_client $SERVER4
    at_most 15
}
