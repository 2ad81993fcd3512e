how="as listener, over IPv6. Captured at the router."
peers="xfreerdp 2.11.7, a script"
forged="the Connection Confirm and the RST are a script's"
play() {
    peer server reset listen 3389 recv cc:1 recv rst
    capture router-server
    xfreerdp_start "[$SERVER6]" /sec:tls
    at_most 3
}
