how="the server's own firewall drops UDP 3389. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    rule server input udp dport 3389 drop
    capture client
    ironrdp_client $SERVER4
    at_most 15
}
