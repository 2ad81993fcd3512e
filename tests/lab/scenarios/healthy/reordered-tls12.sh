how="some segments of both directions arrive behind later ones (10 ms round trip, TLS 1.2). Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start ssl_protocols=TLSv1.2
    path t0=delay:5 s2=hold:0.004 c5=swap s14=swap s16=hold:0.002 s18=swap
    capture server
    healthy_session $SERVER4 /sec:tls
}
