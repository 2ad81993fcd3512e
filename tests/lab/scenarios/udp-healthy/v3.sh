how="version 3, data both ways, and the client's program ends. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server send=60 size=200 every=10000 stay=20
    capture client
    ironrdp_client $SERVER4 send=60 size=200 every=10000
    at_most 20
    sleep 1
}
