how="version 3; 10 % of each end's datagrams come 8 ms late and are overtaken by several, none is lost; the peers repeat some needlessly."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path late-c=10 late-s=10
    ironrdp_server send=600 size=8 every=2000 stay=20
    capture_everywhere
    ironrdp_client $SERVER4 version=3 send=600 size=8 every=2000
    at_most 90
}
