how="the server's answers are dropped on the way back: both ends repeat what they said. Captured at the server."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    datagram_path syn-ack=lose
    ironrdp_server
    capture server
    ironrdp_client $SERVER4
    at_most 15
}
