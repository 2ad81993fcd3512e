how="the server's firewall drops everything to port 3389; the client tries for 5 s."
peers="xfreerdp 2.11.7, nftables"
places="client router-client router-server server"
play() {
    rule server input tcp dport 3389 drop
    capture_everywhere
    xfreerdp_start $SERVER4
    at_most 5
}
