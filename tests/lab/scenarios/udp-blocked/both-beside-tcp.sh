how="a working session over TCP; the client tries a reliable and a lossy flow, whose ports the server refuses with ICMP. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
play() {
    xrdp_start
    capture server
    datagram_client $SERVER4 after=2
    start client datagram-client-2 python3 "$LAB/peers/datagram_peer.py" client $SERVER4 after=2.1 lossy=1
    local udp=$PID
    stay=13 healthy_session $SERVER4 /sec:tls
    PID=$udp
    at_most 3
}
