how="lossy mode; the server acknowledges the ClientHello, which the client repeats, and never answers it. Captured at the server."
peers="our own after the specification, OpenSSL"
forged="the server's lack of DTLS"
play() {
    datagram_server tls=mute
    capture server
    datagram_client $SERVER4 lossy=1
    at_most 12
}
