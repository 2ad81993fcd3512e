how="version 2, reliable, TLS 1.3: the server refuses the tunnel with E_ACCESSDENIED; its TLS secrets are in the capture. Captured at the client."
peers="our own after the specification, OpenSSL"
forged="the server's answer: no free server refuses a tunnel"
play() {
    datagram_server hresult=80070005 keylog="$WORK/keys.txt"
    capture client
    datagram_client $SERVER4
    at_most 10
    sleep 1
}
