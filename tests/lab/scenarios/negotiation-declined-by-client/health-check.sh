how="a health check: Connection Request with a fitting protocol, Connection Confirm, FIN. Captured at the server."
peers="a script (real X.224 bytes), xrdp 0.9.21"
forged="the client's leaving is a script's"
play() {
    xrdp_start
    capture server
    peer client check connect $SERVER4 3389 cr:1 recv fin
    at_most 2
}
