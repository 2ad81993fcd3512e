how="NLA (NTLM) with a wrong password, with the session's TLS secrets in the capture; the server names no reason. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
play() {
    user=flora shadow_start /sec:nla
    capture client
    password=Fl0ckenwirbel named keyed xfreerdp_start $SERVER4 /sec:nla
    at_most 5
}
