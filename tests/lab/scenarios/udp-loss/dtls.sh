how="lossy mode, DTLS; 1 % of the client's datagrams and 5 % of the server's are lost, and nobody repeats them."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=1 loss-s=5
    datagram_server send=1000 size=8 
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8  lossy=1
    at_most 90
}
