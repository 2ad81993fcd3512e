how="RDP-UDP of version 3; after 3 s the path silently drops the server's IP packets of more than 900 bytes; the client's small ones still pass. Captured at the server."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    datagram_path t3=big-s:900
    ironrdp_server send=100000 size=1000 every=80000
    capture server
    ironrdp_client $SERVER4 send=100000 size=20 every=80000
    sleep 14
}
