how="lossy mode, DTLS; 15 % of each end's datagrams are lost, and nobody repeats them."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=15 loss-s=15
    datagram_server send=1000 size=8 
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8  lossy=1
    at_most 90
}
