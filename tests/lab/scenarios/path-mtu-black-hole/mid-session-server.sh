how="in the middle of a session the path's MTU falls to 1300 without ICMP: mouse events pass, screen updates do not. Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, nftables"
snaplen=300
play() {
    shadow_start -auth
    start server xterm xterm -display "$SCREEN" -geometry 80x30 -e sh -c 'while :; do head -c 1500 /dev/urandom | base64; sleep 1; done'
    rule router output icmp type destination-unreachable drop
    capture server
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 3
    small_link 1300
    pointer 12 1
    sleep 14
}
