how="TLS 1.2: the client leaves with FIN after the server's certificate, before its own Finished, with no alert. Captured at the client."
peers="OpenSSL 3.0 through a script, xrdp 0.9.21"
forged="the client's leaving is a script's"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    capture client
    peer client leaving connect $SERVER4 3389 cr:1 recv tls-part: recv silent:0.2 fin
    at_most 3
}
