how="version 3, nothing lost; the capture lacks each thirteenth frame (taken out after capturing). Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
forged="what the capture lacks"
play() {
    ironrdp_server send=150 size=8 every=4000 stay=20
    capture client udp
    ironrdp_client $SERVER4 send=150 size=8 every=4000
    at_most 20
    capture_stop
    tag lacks=13
}
