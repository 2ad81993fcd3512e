how="the client's program is killed while nothing is unread: its kernel sends FIN and answers what the server still sends with RST. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7"
snaplen=400
play() {
    shadow_start -auth
    capture client
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 4
    kill -KILL $XFREERDP
    sleep 2
}
