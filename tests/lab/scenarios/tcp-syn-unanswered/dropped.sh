how="the server's firewall drops everything to port 3389; the client tries for 5 s. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
play() {
    rule server input tcp dport 3389 drop
    capture client
    xfreerdp_start $SERVER4
    at_most 5
}
