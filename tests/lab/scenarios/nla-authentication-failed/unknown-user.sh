how="NLA (NTLM), a user that the server does not know, TLS 1.3. Captured at the router."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
play() {
    shadow_start /sec:nla
    capture router-client
    user=nobody password=password xfreerdp_start $SERVER4 /sec:nla
    at_most 5
}
