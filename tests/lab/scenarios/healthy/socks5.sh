how="through a SOCKS5 proxy (ssh -D) on the router, port 1080. Captured between client and proxy."
peers="xfreerdp 2.11.7, OpenSSH, xrdp 0.9.21"
play() {
    xrdp_start
    socks_start
    capture router-client tcp port 1080
    healthy_session $SERVER4 /sec:tls /proxy:socks5://10.77.1.1:1080
}
