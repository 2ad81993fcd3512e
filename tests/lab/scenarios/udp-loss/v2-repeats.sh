how="version 2; 5 % of the client's datagrams and 15 % of the server's are lost; both repeat most datagrams that were not lost, too."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards, loses and counts"
places="client between server" format=pcap.zst
# Nothing tells the sender's end what became of a repeat that was not needed: it is taken to be lost as often as the rest, which is right within
# a third of a point only where there are many.
play() {
    datagram_path loss-c=5 loss-s=15
    ironrdp_server send=1600 size=8 every=2000 stay=20
    capture_everywhere
    ironrdp_client $SERVER4 version=2 send=1600 size=8 every=2000
    at_most 120
}
