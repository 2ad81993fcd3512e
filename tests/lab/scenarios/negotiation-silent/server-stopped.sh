how="xrdp is stopped (SIGSTOP), its kernel still accepts and acknowledges; the client is closed after 7 s. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    kill -STOP $XRDP
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 7
}
