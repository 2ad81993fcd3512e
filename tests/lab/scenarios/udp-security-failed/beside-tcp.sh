how="a working session over TCP; over UDP the server speaks TLS 1.2 at most and the client TLS 1.3 alone. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
play() {
    xrdp_start
    datagram_server tls=1.2
    capture client
    datagram_client $SERVER4 after=2 min=1.3
    stay=6 healthy_session $SERVER4 /sec:tls
}
