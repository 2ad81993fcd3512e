how="the server selects NLA; rdesktop has no Kerberos ticket and leaves after the TLS handshake. Captured at the client."
peers="rdesktop 1.9.0, freerdp-shadow-cli 2.11.7"
play() {
    shadow_start /sec:nla
    capture client
    rdesktop_start $SERVER4
    at_most 4
}
