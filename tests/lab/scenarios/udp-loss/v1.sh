how="version 1; 15 % of the client's datagrams and 1 % of the server's are lost."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=15 loss-s=1
    datagram_server send=1000 size=8 version=1
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8 version=1 
    at_most 90
}
