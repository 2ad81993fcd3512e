how="the link between router and client carries 1300 bytes; \"fragmentation needed\" reaches the server, which sends smaller packets. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    big_certificate server
    xrdp_start
    small_link 1300
    capture server
    healthy_session $SERVER4 /sec:tls
}
