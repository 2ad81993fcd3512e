how="RDP-UDP of version 3; the server refuses the tunnel's request (E_ACCESSDENIED), encrypted, and nothing comes after it. Captured at the client."
peers="ironrdp-rdpeudp-tokio 0.2.0, rustls"
play() {
    ironrdp_server request=8
    capture client
    ironrdp_client $SERVER4
    at_most 15
    sleep 1
}
