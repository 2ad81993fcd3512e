how="a working session over TCP, beside which the client tries UDP; a firewall drops UDP 3389. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
play() {
    xrdp_start
    rule router forward udp dport 3389 drop
    capture client
    datagram_client $SERVER4 after=2 offer=0x0101
    local udp=$PID
    stay=14 healthy_session $SERVER4 /sec:tls
    PID=$udp
    at_most 3
}
