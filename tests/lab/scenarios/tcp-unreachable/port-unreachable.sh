how="the server's firewall answers the SYN with ICMP 3/3, the default of many firewalls. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
format=pcap
play() {
    rule server input tcp dport 3389 reject with icmp type port-unreachable
    capture client
    xfreerdp_start $SERVER4
    at_most 4
}
