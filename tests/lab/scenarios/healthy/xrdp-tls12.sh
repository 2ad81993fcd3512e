how="the same over TLS 1.2, captured at the server with nanoseconds."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
precision=nano
play() {
    xrdp_start ssl_protocols=TLSv1.2
    capture server
    healthy_session $SERVER4 /sec:tls
}
