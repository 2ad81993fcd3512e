how="QUIC (HTTP/3) on UDP 3389. Captured at the client."
peers="gtlsclient, gtlsserver (ngtcp2 0.12.1, GnuTLS)"
snaplen=400 format=pcapng.gz
play() {
    certificate server
    mkdir "$WORK/www"
    head -c 100000 /dev/urandom >"$WORK/www/file"
    start server gtlsserver gtlsserver -q -d "$WORK/www" '*' 3389 "$WORK/server.key" "$WORK/server.crt"
    bound server 3389
    capture client udp
    start client gtlsclient gtlsclient -q --exit-on-all-streams-close --timeout=3s $SERVER4 3389 "https://$SERVER4:3389/file"
    at_most 5
}
