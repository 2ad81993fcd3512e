how="TLS 1.3: ChangeCipherSpec and a 19-byte record in place of the client's Finished, then FIN, as rustls does. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
forged="the client's last two records are a script's (the second is not decryptable)"
play() {
    xrdp_start ssl_protocols=TLSv1.3
    capture client
    peer client rustls connect $SERVER4 3389 cr:1 recv tls-part: recv silent:0.2 \
        send:14030300010117030300135a0c3e7719d2486bb0f5512c8e904d637a1be0 fin
    at_most 3
}
