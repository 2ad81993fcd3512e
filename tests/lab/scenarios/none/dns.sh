how="DNS on UDP 3389. Captured at the client."
peers="dig 9.18, dnsmasq 2.90"
play() {
    start server dnsmasq dnsmasq --no-daemon --port=3389 --no-resolv --no-hosts --conf-file=/dev/null --user=root \
        --address=/lab.test/10.1.2.3 --txt-record=long.test,"$(printf 'x%.0s' {1..250})"
    bound server 3389
    capture client udp
    local name
    for name in a.lab.test b.lab.test long.test nothing.example; do
        start client dig dig @$SERVER4 -p 3389 +tries=1 "$name" ANY +notcp
        at_most 3
        start client dig dig @$SERVER4 -p 3389 +tries=1 "$name"
        at_most 3
    done
}
