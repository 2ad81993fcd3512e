how="the router loses the server's data from its 6th segment on, its bare acknowledgements pass; the client gives up after 14 s."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
places="client router-client router-server server"
play() {
    xrdp_start
    path t0=delay:5 s6=drop-data-s
    capture_everywhere
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
    in_ns client ping -q -c1 10.77.1.1
    in_ns server ping -q -c1 10.77.2.1
}
