how="xrdp is stopped (SIGSTOP) as the MCS Connect-Initial comes (TLS 1.2, 10 ms away); the client is closed after 7 s. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    path t0=delay:5 "c4=run:$(signal_to server xrdp STOP)"
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 8
}
