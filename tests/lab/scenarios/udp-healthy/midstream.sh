how="version 3; the capture begins in the midst of data. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server send=150 size=60 every=40000 stay=20
    ironrdp_client $SERVER4 send=150 size=60 every=40000
    sleep 3
    capture client
    at_most 20
}
