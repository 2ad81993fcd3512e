how="a firewall between drops UDP 3389; the client asks for lossy mode. Captured between, before the firewall."
peers="our own after the specification, OpenSSL"
play() {
    rule router forward udp dport 3389 drop
    capture router-client
    datagram_client $SERVER4 lossy=1 hash=1
    at_most 15
}
