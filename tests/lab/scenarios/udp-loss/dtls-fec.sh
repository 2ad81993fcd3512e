how="lossy mode, DTLS, with an FEC packet after each five source packets; 5 % of each end's datagrams are lost."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=5 loss-s=5
    datagram_server send=1000 size=8 fec=5
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8 fec=5 lossy=1
    at_most 90
}
