how="version 3; 5 % of the client's datagrams are lost and 1 % of the server's; v3.truth.json has the counts."
peers="ironrdp-rdpeudp-tokio 0.2.0 (client and server), rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
play() {
    datagram_path loss-c=5 loss-s=1
    ironrdp_server send=1400 size=8 every=2000
    capture_everywhere
    ironrdp_client $SERVER4 send=1400 size=8 every=2000
    at_most 60
    kill $DATAGRAM_PATH; wait $DATAGRAM_PATH
}
