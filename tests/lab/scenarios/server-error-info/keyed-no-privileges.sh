how="Set Error Info 0x9 and a Disconnect Provider Ultimatum in place of the Demand Active, over TLS 1.3, with the session's TLS secrets in the capture. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
forged="the moment is chosen, the message is IronRDP's"
play() {
    rdp_server refuse=error:0x9
    capture client
    rdp_client $SERVER4
}
