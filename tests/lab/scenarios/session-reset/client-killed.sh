how="in the middle of a session the client's program hangs and is killed with the server's data unread: its kernel resets (TLS 1.2, no NLA, 10 ms away). Captured at the server."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards (delay only)"
snaplen=400
play() {
    tls12 shadow_start -auth
    path t0=delay:5
    capture server
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 4
    kill -STOP $XFREERDP
    sleep 1.5
    kill -KILL $XFREERDP
    sleep 1
}
