how="one SYN, and the capture ends half a second later. Captured at the client."
peers="xfreerdp 2.11.7, nftables"
play() {
    rule server input tcp dport 3389 drop
    capture client
    xfreerdp_start $SERVER4
    sleep 0.7
    in_ns client ping -q -c1 $SERVER4
    capture_stop
    frames "frame.time_relative < 0.9"
}
