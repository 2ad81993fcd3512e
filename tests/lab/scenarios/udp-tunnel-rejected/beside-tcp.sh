how="a working session over TCP whose server refuses the tunnel of its UDP flow with E_ACCESSDENIED; that flow's TLS secrets are in the capture. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
forged="the server's answer: no free server refuses a tunnel"
play() {
    xrdp_start
    datagram_server hresult=80070005 keylog="$WORK/keys.txt"
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 1.5
    datagram_client $SERVER4
    at_most 5
    close_window FreeRDP
    PID=$XFREERDP
    at_most 3
}
