how="some segments of both directions arrive behind later ones (10 ms round trip). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
snaplen=256
play() {
    xrdp_start
    path t0=delay:5 s3=swap c5=swap s15=swap s17=hold:0.002 s19=swap s21=hold:0.004
    capture client
    healthy_session $SERVER4 /sec:tls
}
