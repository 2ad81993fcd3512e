how="the server process is stopped when the client's Connection Request is on its way; the client gives up after 12 s."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
places="client router-client router-server server"
play() {
    xrdp_start
    path t0=delay:5 "c1=run:$(signal_to server xrdp STOP)"
    capture_everywhere
    xfreerdp_start $SERVER4 /sec:tls
    at_most 12
}
