how="xrdp on TCP port 13389. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start port=13389
    capture router-client
    healthy_session $SERVER4:13389 /sec:tls
}
