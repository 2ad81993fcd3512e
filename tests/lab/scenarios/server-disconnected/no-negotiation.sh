how="xrdp wants TLS, the client is too old to negotiate: an 11-byte Connection Confirm, then a Disconnect Provider Ultimatum. Captured at the client."
peers="a script as client, xrdp 0.9.21 with security_layer=tls"
forged="the client's Connection Request (without RDP_NEG_REQ) is a script's"
play() {
    xrdp_start security_layer=tls
    capture client
    peer client old connect $SERVER4 3389 send:0300000b06e00000000000 recv silent:0.3 recv fin
    at_most 4
}
