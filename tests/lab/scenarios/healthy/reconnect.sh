how="two sessions one after the other, the second on a new connection. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    healthy_session $SERVER4 /sec:tls
    sleep 1
    healthy_session $SERVER4 /sec:tls
}
