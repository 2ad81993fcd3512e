how="a working session over TCP, with a UDP flow of version 3 that dies after 4 s; TCP goes on. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
play() {
    xrdp_start
    datagram_path t4=drop
    ironrdp_server send=100000 size=20 every=80000
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 1.5
    ironrdp_client $SERVER4 send=100000 size=20 every=80000
    sleep 16
    close_window FreeRDP
    PID=$XFREERDP
    at_most 3
}
