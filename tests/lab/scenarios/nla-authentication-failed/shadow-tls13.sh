how="NLA (NTLM) with a wrong password under TLS 1.3: the server closes right after the client's AUTHENTICATE. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
play() {
    shadow_start /sec:nla
    capture client
    password=wrong xfreerdp_start $SERVER4 /sec:nla
    at_most 5
}
