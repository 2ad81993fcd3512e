how="in the middle of a session the server hangs and is killed with the client's data unread: its kernel resets (NLA, TLS 1.3, 10 ms round trip)."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards"
snaplen=200
places="client router-client router-server server"
play() {
    shadow_start /sec:nla
    path t0=delay:5
    capture_everywhere
    size=800x600 password=password xfreerdp_start $SERVER4 /sec:nla
    sleep 3
    pointer 3
    sleep 1
    kill -STOP $SHADOW
    sleep 1
    kill -KILL $SHADOW
    PID=$XFREERDP
    at_most 3
}
