how="the router drops the server's SYN-ACKs; the client tries for 5 s."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
places="client router-client router-server server"
play() {
    xrdp_start
    rule router forward tcp sport 3389 drop
    capture_everywhere
    xfreerdp_start $SERVER4
    at_most 5
}
