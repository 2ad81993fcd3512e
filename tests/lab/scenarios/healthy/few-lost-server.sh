how="six segments of both directions are lost and repaired within a second (20 ms round trip). Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path t0=delay:10 s2=lose c6=lose s9=lose c12=lose s17=lose s20=lose
    capture server
    healthy_session $SERVER4 /sec:tls
}
