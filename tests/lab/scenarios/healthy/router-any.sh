how="tcpdump -i any (Linux cooked v2) on the router: every packet twice, TTL n and n-1."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-any
    healthy_session $SERVER4 /sec:tls
}
