how="in the middle of a session a firewall begins to reject the client's packets with RST; the server knows nothing and goes on sending. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, nftables"
snaplen=400
play() {
    shadow_start -auth
    capture client
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 3
    pointer 2
    sleep 1
    rule router forward tcp dport 3389 reject with tcp reset
    sleep 2
}
