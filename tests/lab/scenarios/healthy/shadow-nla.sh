how="NLA (NTLM) and a shared desktop with a clock; the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
play() {
    shadow_start /sec:nla
    capture client
    stay=6 size=800x600 bpp=32 password=password healthy_session $SERVER4
}
