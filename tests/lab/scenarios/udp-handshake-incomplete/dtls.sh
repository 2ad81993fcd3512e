how="lossy mode; the server's answers are dropped on the way back. Captured between, before they are."
peers="our own after the specification, OpenSSL, nftables"
play() {
    rule router forward udp sport 3389 drop
    datagram_server
    capture router-server
    datagram_client $SERVER4 lossy=1
    at_most 15
}
