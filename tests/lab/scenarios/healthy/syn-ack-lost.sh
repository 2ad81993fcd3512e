how="the first SYN-ACK is lost, SYN and SYN-ACK are repeated. Captured at the router-client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path t0=drop-s t0.5=pass
    capture router-client
    healthy_session $SERVER4 /sec:tls
}
