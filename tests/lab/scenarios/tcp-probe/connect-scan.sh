how="a connect scan: the handshake, then the client's RST. Captured at the router."
peers="nmap 7.93 -sT, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-server
    in_ns client nmap -sT -Pn -n -p 3389 --max-retries 0 $SERVER4
}
