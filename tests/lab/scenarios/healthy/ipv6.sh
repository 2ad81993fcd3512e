how="TLS 1.3 over IPv6. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    healthy_session "[$SERVER6]" /sec:tls
}
