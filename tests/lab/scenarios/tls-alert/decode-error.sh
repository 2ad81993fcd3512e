how="the ClientHello ends in the middle of its own lengths; xrdp's OpenSSL says decode_error. Captured at the router."
peers="a script, xrdp 0.9.21"
forged="the client's TLS record"
play() {
    xrdp_start
    capture router-client
    peer client odd connect $SERVER4 3389 cr:1 recv \
        send:160301002d010000290303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000010c02f0100 eof fin
    at_most 3
}
