how="NLA (NTLM) and a shared desktop with a clock, with the session's TLS secrets in the capture; the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
play() {
    user=flora shadow_start /sec:nla
    capture client
    stay=3 size=800x600 bpp=32 password=password named keyed healthy_session $SERVER4
}
