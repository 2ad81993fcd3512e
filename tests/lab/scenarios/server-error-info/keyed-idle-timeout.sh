how="a session over TLS 1.3 ends with Set Error Info 0x3 and a Disconnect Provider Ultimatum, with the session's TLS secrets in the capture. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
forged="the moment is chosen, the message is IronRDP's"
play() {
    rdp_server refuse=end:0x3
    capture client
    rdp_client $SERVER4 stay=4
}
