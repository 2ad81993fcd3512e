how="version 3; 1 % of the client's datagrams and 1 % of the server's are lost."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=1 loss-s=1
    ironrdp_server send=1000 size=8 every=2000 stay=20
    capture_everywhere
    ironrdp_client $SERVER4 version=3 send=1000 size=8 every=2000
    at_most 90
}
