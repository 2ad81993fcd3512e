how="the router drops the client's data: the request is repeated and not even acknowledged; the client is closed after 12 s. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    rule router forward 'tcp dport 3389 tcp flags & psh == psh drop'
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 12
}
