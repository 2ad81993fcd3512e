how="version 3; the server acknowledges the ClientHello and never answers it, until the client gives up after 20 s. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls (client), ironrdp-rdpeudp 0.1.0 (server)"
forged="the server's lack of TLS"
play() {
    ironrdp_server tls=mute
    capture client
    ironrdp_client $SERVER4
    at_most 25
}
