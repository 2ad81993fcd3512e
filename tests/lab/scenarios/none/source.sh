how="a game server's query on UDP 3389; each datagram starts with 255 four times, as a SYN does. Captured at the client."
peers="quakestat 2.17 (the server is a script)"
play() {
    start server source python3 "$LAB/peers/noise.py" source listen 3389
    bound server 3389
    capture client udp
    local i
    for i in 1 2 3 4; do
        start client quakestat quakestat -a2s $SERVER4:3389
        at_most 5
    done
}
