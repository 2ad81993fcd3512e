how="RDP-UDP of version 3; after 3 s a link on the way takes 900 bytes and says nothing: the server's full datagrams vanish, the client's small ones pass. Captured at the server."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    rule router output icmp type destination-unreachable drop
    ironrdp_server send=100000 size=1000 every=80000
    capture "${at:-server}"
    ironrdp_client $SERVER4 send=100000 size=20 every=80000
    sleep 3
    small_link 900
    sleep 16
}
