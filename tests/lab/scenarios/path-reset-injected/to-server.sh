how="a middlebox sends only the server a RST, while the user moves the mouse: the client goes on sending. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the RST (TTL 254, IP ID 0xbeef, no timestamps) is the script's"
play() {
    xrdp_start
    path t0=delay:10 t3.1=rst-s
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    pointer 4
    at_most 4
}
