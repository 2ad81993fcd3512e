how="the gateway does not take the password: HTTP status 401 at the end of the NTLM logon, with the session's TLS secrets in the capture. Captured at the server."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU"
forged="everything that the gateway says, since no free one is packaged"
play() {
    gateway_start http=401
    capture server
    keyed by_gateway
    at_most 4
}
