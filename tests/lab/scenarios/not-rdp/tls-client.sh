how="a TLS client (a certificate scanner) speaks TLS at once to xrdp. Captured at the server."
peers="openssl s_client 3.0, xrdp 0.9.21"
play() {
    xrdp_start
    capture server
    start client s_client openssl s_client -connect $SERVER4:3389
    at_most 3
}
