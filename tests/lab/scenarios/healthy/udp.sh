how="a session over TCP with a UDP flow of version 3 beside it. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP ironrdp-rdpeudp-tokio 0.2.0, rustls"
format=pcapng.gz
play() {
    xrdp_start
    ironrdp_server send=100 size=200 every=30000 stay=30
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    local tcp=$PID
    sleep 2
    ironrdp_client $SERVER4 send=100 size=200 every=30000
    sleep 7
    close_window FreeRDP
    PID=$tcp
    at_most 3
}
