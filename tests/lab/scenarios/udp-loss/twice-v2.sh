how="version 2; 5 % of each end's datagrams come twice."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path twice-c=5 twice-s=5
    ironrdp_server send=600 size=8 every=2000 stay=20
    capture_everywhere
    ironrdp_client $SERVER4 version=2 send=600 size=8 every=2000
    at_most 90
}
