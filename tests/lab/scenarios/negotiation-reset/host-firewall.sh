how="the firewall on the server itself rejects the request's packet with a RST; xrdp never sees it. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    rule server input 'tcp dport 3389 @th,256,16 0x0300 reject with tcp reset'
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 2
}
