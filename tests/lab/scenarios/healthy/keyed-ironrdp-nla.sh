how="the same with NLA (NTLM) and the Early User Authorization Result. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
play() {
    rdp_server security=hybrid-ex
    capture client
    rdp_client $SERVER4 security=hybrid-ex
}
