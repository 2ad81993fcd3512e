how="a listener reads the request and closes with RST. Captured at the router."
peers="xfreerdp 2.11.7, a script"
forged="the server's reset is a script's"
play() {
    peer server reset listen 3389 recv rst
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 2
}
