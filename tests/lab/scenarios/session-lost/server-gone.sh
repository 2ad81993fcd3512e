how="the server's machine vanishes (its packets and the client's to it are dropped) while the user moves the mouse at xrdp's logon screen; the user closes the client after 22 s. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, nftables"
play() {
    xrdp_start
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    pointer 20
    sleep 1
    rule router forward ip daddr $SERVER4 drop
    rule router forward ip saddr $SERVER4 drop
    sleep 22
    kill $XFREERDP
    sleep 3
    in_ns client ping -q -c1 10.77.1.1
}
