how="the licensing error NO_LICENSE_SERVER (total abort) in place of STATUS_VALID_CLIENT, over TLS 1.3, with the session's TLS secrets in the capture. Captured at the client."
peers="IronRDP's client and server (ironrdp-connector and ironrdp-acceptor 0.12)"
forged="the moment is chosen, the message is IronRDP's"
play() {
    rdp_server refuse=license:6
    capture client
    rdp_client $SERVER4
}
