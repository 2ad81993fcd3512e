how="NLA (NTLM), with the session's TLS secrets in the capture: STATUS_PASSWORD_EXPIRED in the server's TSRequest. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
forged="the reason: IronRDP has no accounts that could expire"
play() {
    rdp_server security=hybrid refuse=nla:0xC0000071
    capture client
    rdp_client $SERVER4 security=hybrid
}
