how="a middlebox sends both ends a RST that is within the window, but not at the exact place: both kernels answer with an acknowledgement (RFC 5961) and the session goes on. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the RSTs (TTL 254, IP ID 0xbeef, no timestamps) are the script's"
play() {
    xrdp_start
    path t0=delay:10 "c12+=rst-c:2000" c12=rst-s:2000
    capture router-client
    healthy_session $SERVER4 /sec:tls
}
