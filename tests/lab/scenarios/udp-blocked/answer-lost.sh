how="only the server's answers are dropped on the way back. Captured at the client, which sees none of them."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    datagram_path syn-ack=lose
    ironrdp_server
    capture client
    ironrdp_client $SERVER4
    at_most 15
}
