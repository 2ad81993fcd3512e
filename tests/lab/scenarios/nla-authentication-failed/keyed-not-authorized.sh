how="NLA (NTLM) with the right password, with the session's TLS secrets in the capture: the Early User Authorization Result says no. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
play() {
    rdp_server security=hybrid-ex refuse=authorization
    capture client
    rdp_client $SERVER4 security=hybrid-ex
}
