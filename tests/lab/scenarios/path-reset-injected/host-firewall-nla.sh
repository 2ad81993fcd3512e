how="the server's own firewall rejects the client's first credential message with RST, and all that follows (TLS 1.2, 10 ms away). Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, nftables, a script that forwards"
forged="the moment at which the firewall's rule appears is a script's"
play() {
    tls12 shadow_start /sec:nla
    rule server input ip ttl 1 drop
    path t0=delay:5 "c4=run:ip netns exec lab-server nft add rule inet lab input tcp dport 3389 reject with tcp reset"
    capture server
    password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 4
}
