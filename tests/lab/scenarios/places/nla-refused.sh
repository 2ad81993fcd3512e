how="NLA (NTLM) with a wrong password under TLS 1.3 (10 ms round trip)."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
places="client router-client router-server server"
play() {
    shadow_start /sec:nla
    path t0=delay:5
    capture_everywhere
    password=wrong xfreerdp_start $SERVER4 /sec:nla
    at_most 5
}
