how="a lively screen; 7 % of the server's data segments are lost between server and client, after 2 s (20 ms round trip). Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards and loses"
snaplen=128 format=pcapng.gz
play() {
    shadow_start -auth
    start server xterm xterm -display "$SCREEN" -geometry 80x30 -e sh -c 'while :; do head -c 1500 /dev/urandom | base64; sleep 0.2; done'
    path t0=delay:10 t2=loss-s:7
    capture server
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 10
    close_window FreeRDP
    at_most 3
}
