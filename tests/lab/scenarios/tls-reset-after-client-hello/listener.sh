how="the server confirms TLS, then closes with RST with the ClientHello unread. Captured at the client."
peers="xfreerdp 2.11.7, a script"
forged="the Connection Confirm and the RST are a script's"
play() {
    peer server reset listen 3389 recv cc:1 peek rst
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
