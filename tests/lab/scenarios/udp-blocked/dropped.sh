how="a firewall between drops UDP 3389; the client sends its SYN three times within ten seconds, as mstsc does. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    rule router forward udp dport 3389 drop
    capture client
    datagram_client $SERVER4 offer=0x0101
    at_most 15
}
