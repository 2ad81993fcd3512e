how="xrdp takes three seconds to answer the ClientHello (SIGSTOP, SIGCONT; TLS 1.2). Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    path "c2=run:$(signal_to server xrdp STOP); (sleep 3; $(signal_to server xrdp CONT)) &"
    capture server
    stay=5 healthy_session $SERVER4 /sec:tls
}
