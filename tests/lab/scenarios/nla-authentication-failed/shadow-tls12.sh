how="NLA (NTLM) with a wrong password under TLS 1.2, 10 ms away. Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards (delay only)"
play() {
    tls12 shadow_start /sec:nla
    path t0=delay:5
    capture server
    password=wrong xfreerdp_start $SERVER4 /sec:nla
    at_most 5
}
