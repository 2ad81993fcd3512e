how="the router goes deaf for both directions with the client's 8th segment, in the middle of the setup; the client gives up after 14 s (10 ms round trip)."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards, then does not"
places="client router-client router-server server"
play() {
    xrdp_start
    path t0=delay:5 c8=drop
    capture_everywhere
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
    in_ns client ping -q -c1 10.77.1.1
    in_ns server ping -q -c1 10.77.2.1
}
