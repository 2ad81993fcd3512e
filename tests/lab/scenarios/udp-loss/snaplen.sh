how="version 3; 5 % of each end's datagrams are lost; the capture keeps only the first 72 bytes of each frame."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst snaplen=72
play() {
    datagram_path loss-c=5 loss-s=5
    ironrdp_server send=1000 size=200 every=2000 stay=20
    capture_everywhere
    ironrdp_client $SERVER4 send=1000 size=200 every=2000
    at_most 90
}
