how="the router goes deaf for both directions with the server's 9th segment, in the middle of the setup; the client gives up after 14 s (10 ms round trip). Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards, then does not"
play() {
    xrdp_start
    path t0=delay:5 s9=drop
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
    in_ns server ping -q -c1 10.77.2.1
}
