how="the network delivers some segments of both directions twice. Captured at the router-server."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
play() {
    xrdp_start
    path s1=twice c2=twice s2=twice c5=twice s6=twice c9=twice s11=twice s15=twice s18=twice
    capture router-server
    healthy_session $SERVER4 /sec:tls
}
