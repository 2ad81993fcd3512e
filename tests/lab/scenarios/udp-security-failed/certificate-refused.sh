how="version 3; the client refuses a certificate that no authority signed, and its socket closes. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server keepalive=1
    capture client
    ironrdp_client $SERVER4 check=1
    at_most 20
    sleep 3
}
