how="lossy, DTLS 1.2: the server refuses the tunnel with E_ABORT; its TLS secrets are in the capture. Captured at the server."
peers="our own after the specification, OpenSSL"
forged="the server's answer: no free server refuses a tunnel"
play() {
    datagram_server hresult=80004004 keylog="$WORK/keys.txt"
    capture server
    datagram_client $SERVER4 lossy=1
    at_most 10
    sleep 1
}
