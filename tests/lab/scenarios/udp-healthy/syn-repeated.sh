how="version 3 over a path of 600 ms one way: the SYN is repeated before its answer comes. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    datagram_path delay=600
    ironrdp_server send=20 size=200 every=10000 stay=20
    capture client
    ironrdp_client $SERVER4 send=20 size=200 every=10000 stay=3
    at_most 40
}
