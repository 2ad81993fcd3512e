how="version 3; after 4 s nothing passes any more, either way. Captured between, before that place."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    datagram_path t4=drop
    ironrdp_server send=100000 size=20 every=80000
    capture router-client
    ironrdp_client $SERVER4 send=100000 size=20 every=80000
    sleep 18
}
