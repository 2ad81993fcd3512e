how="the router lets only the client's SYN through: SYN-ACK repeated, never acknowledged. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    rule router forward 'ip saddr 10.77.1.10 tcp dport 3389 tcp flags & syn == 0 drop'
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 8
}
