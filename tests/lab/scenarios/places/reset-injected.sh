how="a middlebox sends both ends a RST at the same moment, while the user looks at xrdp's logon screen (20 ms round trip)."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the RSTs (TTL 254, IP ID 0xbeef, no timestamps) are the script's"
snaplen=300
places="client router-client router-server server"
play() {
    xrdp_start
    path t0=delay:10 t3=rst-c t3.0=rst-s
    capture_everywhere
    xfreerdp_start $SERVER4 /sec:tls
    at_most 5
}
