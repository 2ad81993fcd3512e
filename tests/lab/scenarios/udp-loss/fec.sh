how="version 2 with an FEC packet after each five source packets, which repair most of what is lost: 5 % each way."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=5 loss-s=5
    datagram_server send=1000 size=8 fec=5
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8 fec=5 
    at_most 90
}
