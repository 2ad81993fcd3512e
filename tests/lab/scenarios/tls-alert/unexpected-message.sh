how="the client's first handshake message is a ServerHello type; xrdp's OpenSSL says unexpected_message. Captured at the client."
peers="a script, xrdp 0.9.21"
forged="the client's TLS record"
play() {
    xrdp_start
    capture client
    peer client odd connect $SERVER4 3389 cr:1 recv send:1603010006020000020303 eof fin
    at_most 3
}
