how="the router goes deaf for both directions with the client's 8th segment, in the middle of the setup; the client gives up after 14 s (10 ms round trip). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards, then does not"
play() {
    xrdp_start
    path t0=delay:5 c8=drop
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
    in_ns client ping -q -c1 10.77.1.1
}
