how="the server's SYN-ACK is lost beyond the capture point (asymmetric route, stateful firewall): SYN and SYN-ACK repeated. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    rule router forward tcp sport 3389 drop
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 6
}
