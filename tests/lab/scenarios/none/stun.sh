how="STUN and TURN on UDP 3389 and 3478. Captured at the client."
peers="coturn 4.6.1"
play() {
    start server turnserver turnserver -n -p 3389 -L $SERVER4 --no-tls --no-dtls --no-cli -u lab:password -r lab.test -a --pidfile="$WORK/turn.pid" --log-file=stdout
    start server turnserver-2 turnserver -n -p 3478 -L $SERVER4 --no-tls --no-dtls --no-cli -u lab:password -r lab.test -a --pidfile="$WORK/turn2.pid" --log-file=stdout
    bound server 3389
    bound server 3478
    capture client udp
    local port
    for port in 3389 3478; do
        start client stun turnutils_stunclient -p $port $SERVER4
        at_most 3
        start client turn turnutils_uclient -y -n 10 -u lab -w password -p $port $SERVER4
        at_most 6
    done
}
