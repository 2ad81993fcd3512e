how="version 3 with a dummy packet after each eight of data, as Windows sends some; 5 % of each end's datagrams are lost."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=5 loss-s=5
    datagram_server version=3 dummy=8 send=1000 size=8
    capture_everywhere
    datagram_client $SERVER4 version=3 dummy=8 send=1000 size=8
    at_most 90
}
