how="only the server's packets were captured. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
format=pcap
play() {
    xrdp_start
    capture server src host $SERVER4 and tcp
    healthy_session $SERVER4 /sec:tls
}
