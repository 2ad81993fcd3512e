how="the router drops every packet of a connection after its 16th (TLS 1.2). Captured at the router's leg to the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    in_ns router sysctl -q -w net.netfilter.nf_conntrack_acct=1
    rule router forward ct packets '>' 16 drop
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
    in_ns client ping -q -c1 10.77.1.1
}
