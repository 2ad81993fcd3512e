how="version 2; 5 % of each end's datagrams are lost, three in a row."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=5 loss-s=5 burst=3
    datagram_server send=1000 size=8 
    capture_everywhere
    datagram_client $SERVER4 send=1000 size=8  
    at_most 90
}
