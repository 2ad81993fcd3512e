how="version 3 over IPv6. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    at='[::]' ironrdp_server send=60 size=200 every=10000 stay=20
    capture client
    ironrdp_client "[$SERVER6]" send=60 size=200 every=10000
    at_most 20
}
