how="one SYN only (the client gives up after 0.5 s), then 4 s of silence and a ping that shows the capture still ran. Captured at the router."
peers="nc, nftables"
play() {
    rule router forward tcp dport 3389 drop
    capture router-client
    in_ns client timeout 0.5 nc -n $SERVER4 3389 || true
    sleep 3.6
    in_ns client ping -q -c1 $SERVER4
}
