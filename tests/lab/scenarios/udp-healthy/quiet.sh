how="version 3; after the tunnel's answer nothing but keep-alives for half a minute. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server stay=90
    capture client
    ironrdp_client $SERVER4 stay=30
    at_most 40
}
