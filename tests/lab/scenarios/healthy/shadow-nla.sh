how="NLA (NTLM) and a shared desktop with a clock; the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
snaplen=1200
play() {
    shadow_start /sec:nla
    capture client
    password=password healthy_session $SERVER4
}
