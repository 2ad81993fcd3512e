how="only the client's packets were captured (asymmetric mirror port). Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    capture router-client src host $CLIENT4 and tcp
    healthy_session $SERVER4 /sec:tls
}
