how="a middlebox sends the client a RST when it sees the ClientHello; the server's answer comes after it. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the RST (TTL 254, IP ID 0xbeef, no timestamps) is the script's"
play() {
    xrdp_start
    path t0=delay:10 c2+=rst-c
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
