how="version 3; after 4 s nothing passes any more, either way. Captured between, before that place."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
format=pcapng.gz
play() {
    datagram_path t4=drop
    ironrdp_server send=100000 size=20 every=20000
    capture router-client
    ironrdp_client $SERVER4 send=100000 size=20 every=20000
    sleep 18
}
