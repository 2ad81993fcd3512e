how="RDP-UDP of version 2; after 3 s a link on the way takes 900 bytes and says nothing: full datagrams of the server vanish, small ones pass. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    rule router output icmp type destination-unreachable drop
    datagram_server send=100000 every=100 big=4
    capture "${at:-server}"
    datagram_client $SERVER4 send=100000 every=100
    sleep 3
    small_link 900
    sleep 10
}
