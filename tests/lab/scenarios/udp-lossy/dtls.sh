how="lossy mode, DTLS; 15 % of the server's datagrams are lost, and nobody repeats them. Captured at the server."
peers="our own after the specification, OpenSSL, a script that forwards and loses"
play() {
    datagram_path loss-s=15
    datagram_server send=150 every=5
    capture server
    datagram_client $SERVER4 lossy=1 send=150 every=5
    at_most 20
}
