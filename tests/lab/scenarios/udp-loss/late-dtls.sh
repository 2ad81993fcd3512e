how="lossy mode, DTLS; 10 % of each end's datagrams come 8 ms late and are overtaken, none is lost."
peers="our own after the specification, OpenSSL, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path late-c=10 late-s=10
    datagram_server send=600 size=8 
    capture_everywhere
    datagram_client $SERVER4 send=600 size=8  lossy=1
    at_most 90
}
