how="xrdp with security_layer=tls, the client's RDP_NEG_REQ asks for protocol 0. Captured at the client."
peers="a script as client (real X.224 bytes), xrdp 0.9.21"
play() {
    xrdp_start security_layer=tls
    capture client
    peer client old connect $SERVER4 3389 cr:0 recv fin
    at_most 3
}
