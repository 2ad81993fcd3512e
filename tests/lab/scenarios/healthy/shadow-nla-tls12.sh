how="NLA (NTLM) under TLS 1.2, 10 ms away. Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
snaplen=600
play() {
    tls12 shadow_start /sec:nla
    path t0=delay:5
    capture server
    size=800x600 password=password healthy_session $SERVER4
}
