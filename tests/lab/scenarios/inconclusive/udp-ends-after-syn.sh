how="RDP-UDP; the capture ends one second after the only SYN."
peers="our own after the specification, OpenSSL"
play() {
    rule router forward udp dport 3389 drop
    capture client
    datagram_client $SERVER4
    sleep 1
    capture_stop
}
