how="the client's MTU is 300: ClientHello and certificate are split over segments. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    ip -n lab-client link set eth0 mtu 300
    xrdp_start
    capture router-client
    healthy_session $SERVER4 /sec:tls
}
