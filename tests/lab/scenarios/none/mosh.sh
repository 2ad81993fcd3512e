how="mosh, a terminal over UDP 3389. Captured at the client."
peers="mosh 1.4.0"
play() {
    start server mosh-server env LC_ALL=C.UTF-8 mosh-server new -i $SERVER4 -p 3389 -- sh -c 'while :; do date; sleep 0.2; done'
    bound server 3389
    local key
    key=$(sed -n 's/^MOSH CONNECT 3389 \(.*\)/\1/p' "$WORK/mosh-server.log" | tr -d '\r')
    capture client udp
    start client mosh env LC_ALL=C.UTF-8 TERM=xterm MOSH_KEY="$key" script -qc "stty rows 24 cols 80; mosh-client $SERVER4 3389" /dev/null
    at_most 4
}
