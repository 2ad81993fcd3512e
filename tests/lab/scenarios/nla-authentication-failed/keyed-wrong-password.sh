how="NLA (NTLM) with a wrong password, with the session's TLS secrets in the capture: STATUS_LOGON_FAILURE in the server's TSRequest. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
play() {
    rdp_server security=hybrid
    capture client
    rdp_client $SERVER4 security=hybrid password=Fl0ckenwirbel
}
