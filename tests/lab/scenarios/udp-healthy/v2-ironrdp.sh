how="version 2, data both ways, TLS 1.3. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server send=60 size=200 every=20000 stay=20
    capture client
    ironrdp_client $SERVER4 version=2 send=60 size=200 every=20000
    at_most 20
}
