how="a shadow server that insists on NLA, the client offers TLS only. Captured at the client."
peers="xfreerdp 2.11.7 /sec:tls, freerdp-shadow-cli 2.11.7 /sec:nla"
play() {
    shadow_start /sec:nla
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 3
}
