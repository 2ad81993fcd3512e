how="RDP-UDP of version 2; after 3 s the path silently drops IP packets of more than 900 bytes; small ones still pass. Captured at the server."
peers="our own after the specification, OpenSSL, a script that forwards"
play() {
    datagram_path t3=big:900
    datagram_server send=100000 every=50 big=5
    capture server
    datagram_client $SERVER4 send=100000 every=50
    sleep 16
}
