how="through an HTTP proxy (CONNECT) on the router, port 8080. Captured between client and proxy."
peers="xfreerdp 2.11.7, a script as proxy, xrdp 0.9.21"
play() {
    xrdp_start
    start router proxy python3 "$LAB/peers/connect_proxy.py" 8080
    listening router 8080
    capture router-client tcp port 8080
    healthy_session $SERVER4 /sec:tls /proxy:http://10.77.1.1:8080
}
