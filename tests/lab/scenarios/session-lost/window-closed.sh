how="the client's program hangs for good (SIGSTOP): its small receive buffer fills, the window closes and stays closed, its kernel answers the server's probes; the capture goes on for 25 s. Captured at the server."
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
    sleep 25
    in_ns server ping -q -c1 10.77.2.1
    capture_stop
}
