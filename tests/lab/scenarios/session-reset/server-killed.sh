how="in the middle of a session the server hangs and is killed with the client's data unread: its kernel resets (NLA, TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
snaplen=400
play() {
    shadow_start /sec:nla
    capture client
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
