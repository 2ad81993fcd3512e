how="a session of an IronRDP pair over TLS 1.3, with the session's TLS secrets in the capture; the client leaves after a second. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
play() {
    rdp_server
    capture client
    rdp_client $SERVER4
}
