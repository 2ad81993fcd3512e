how="lossy mode; the client refuses a certificate that no authority signed, with a DTLS alert. Captured at the server."
peers="our own after the specification, OpenSSL"
play() {
    datagram_server
    capture server
    datagram_client $SERVER4 lossy=1 check=1
    at_most 20
    sleep 2
}
