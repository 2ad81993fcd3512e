how="the link between router and client carries 1300 bytes, the router's ICMP \"fragmentation needed\" is dropped: of the server's long certificate flight (TLS 1.2) only the short tail arrives; the client gives up after 12 s."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
places="client router-client router-server server"
play() {
    big_certificate server
    xrdp_start ssl_protocols=TLSv1.2
    small_link 1300
    rule router output icmp type destination-unreachable drop
    capture_everywhere
    xfreerdp_start $SERVER4 /sec:tls
    at_most 12
}
