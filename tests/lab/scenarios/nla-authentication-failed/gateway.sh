how="NLA (NTLM) with a wrong password, by way of a gateway that took the user's password for itself, with all TLS secrets in the capture. Captured at the client."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU, freerdp-shadow-cli 2.11.7 behind it"
forged="everything that the gateway says, since no free one is packaged"
play() {
    shadow_start /sec:nla
    gateway_start
    capture client
    password=Fl0ckenwirbel keyed by_gateway /sec:nla
    at_most 5
}
