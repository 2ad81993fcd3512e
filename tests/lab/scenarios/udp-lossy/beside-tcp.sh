how="a working session over TCP, with a UDP flow of version 2 that loses 10 % each way. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL, a script that forwards and loses"
play() {
    xrdp_start
    datagram_path loss-c=10 loss-s=10
    datagram_server send=200 every=10
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    local tcp=$PID
    sleep 1.5
    datagram_client $SERVER4 send=200 every=10
    at_most 10
    close_window FreeRDP
    PID=$tcp
    at_most 3
}
