how="as server-stopped, over IPv6; the client is closed after 3 s. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    kill -STOP $XRDP
    capture router-client
    xfreerdp_start "[$SERVER6]" /sec:tls
    at_most 3
}
