how="a health check connects and closes at once. Captured at the server."
peers="nc -z, xrdp 0.9.21"
play() {
    xrdp_start
    capture server
    in_ns client nc -n -z -w1 $SERVER4 3389
    sleep 0.5
}
