how="lossy mode, DTLS; 5 % of each end's datagrams come twice."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path twice-c=5 twice-s=5
    datagram_server send=600 size=8 
    capture_everywhere
    datagram_client $SERVER4 send=600 size=8  lossy=1
    at_most 90
}
