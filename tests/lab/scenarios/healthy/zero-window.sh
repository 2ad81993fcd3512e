how="the client's program hangs for four seconds (SIGSTOP): its small receive buffer fills, the window closes, the server probes it; then it goes on. Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
snaplen=128 format=pcapng.gz
play() {
    in_ns client sysctl -q -w net.ipv4.tcp_rmem='4096 12288 16384'
    shadow_start -auth
    start server xterm xterm -display "$SCREEN" -geometry 80x30 -e sh -c 'while :; do head -c 1500 /dev/urandom | base64; sleep 0.4; done'
    capture server
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 3
    kill -STOP $XFREERDP
    sleep 4
    kill -CONT $XFREERDP
    sleep 2
    close_window FreeRDP
    at_most 3
}
