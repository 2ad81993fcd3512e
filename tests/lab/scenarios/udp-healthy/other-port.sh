how="version 2 on port 13389. Captured at the client."
peers="our own after the specification, OpenSSL"
play() {
    certificate server
    start server datagram-server python3 "$LAB/peers/datagram_peer.py" server 13389 "$WORK/server.crt" "$WORK/server.key" send=60
    sleep 1
    capture client
    datagram_client $SERVER4 13389 send=60
    at_most 20
}
