how="the firewall on the server itself rejects packets that start a TLS handshake (an inspecting device does the same). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    rule server input 'tcp dport 3389 @th,256,16 0x1603 reject with tcp reset'
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
