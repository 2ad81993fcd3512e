how="a monitor connects, says nothing for 3 s and closes. Captured at the client."
peers="nc, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    sleep 3 | in_ns client nc -n -N $SERVER4 3389
    sleep 0.3
}
