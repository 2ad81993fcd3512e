how="the path carries 1000 bytes and says so by ICMP: from then on big datagrams travel in IP fragments. Captured between."
peers="our own after the specification, OpenSSL"
play() {
    ip -n lab-router link set srv mtu 1000
    ip -n lab-server link set eth0 mtu 1000
    datagram_server send=60 every=20 big=5
    capture router-client
    datagram_client $SERVER4 send=60 every=20 big=5
    at_most 30
}
