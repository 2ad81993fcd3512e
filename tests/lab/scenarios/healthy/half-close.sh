how="a proxy on the client's machine closes only its sending side when the user is done, and reads to the end. Captured at the client."
peers="xfreerdp 2.11.7 through a script (HTTP CONNECT on loopback), xrdp 0.9.21"
play() {
    xrdp_start
    start client proxy python3 "$LAB/peers/connect_proxy.py" 8080
    listening client 8080
    capture client
    healthy_session $SERVER4 /sec:tls /proxy:http://127.0.0.1:8080
}
