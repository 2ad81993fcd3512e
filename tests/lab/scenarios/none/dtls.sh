how="bare DTLS on UDP 3389, data both ways. Captured at the server."
peers="openssl s_server, openssl s_client"
play() {
    certificate server
    mkfifo "$WORK/quiet"
    in_ns server sleep 30 >"$WORK/quiet" &
    input=$WORK/quiet start server s_server openssl s_server -dtls -accept 3389 -cert "$WORK/server.crt" -key "$WORK/server.key"
    bound server 3389
    capture server udp
    (for _ in {1..20}; do echo "some text in a DTLS record"; sleep 0.1; done) | in_ns client timeout 4 openssl s_client -dtls -connect $SERVER4:3389 >"$WORK/s_client.log" 2>&1
    sleep 0.2
}
