how="the user's client refuses the self-signed certificate (/cert:deny), after the whole TLS 1.3 handshake. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start ssl_protocols=TLSv1.3
    capture client
    cert=deny xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
