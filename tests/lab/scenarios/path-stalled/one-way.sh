how="the router loses the server's data from its 6th segment on, its bare acknowledgements pass; the client gives up after 14 s. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path s6=drop-data-s
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    at_most 14
}
