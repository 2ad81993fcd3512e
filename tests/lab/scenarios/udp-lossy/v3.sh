how="version 3; 5 % of the client's datagrams and 15 % of the server's are lost. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards and loses"
play() {
    datagram_path loss-c=5 loss-s=15
    ironrdp_server send=150 size=20 every=5000 stay=20
    capture client
    ironrdp_client $SERVER4 send=150 size=20 every=5000
    at_most 20
}
