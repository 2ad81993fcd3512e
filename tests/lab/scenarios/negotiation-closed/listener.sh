how="a listener reads the request and closes with FIN, as ironrdp-server does when it has no common protocol. Captured at the client."
peers="xfreerdp 2.11.7, a script"
play() {
    peer server close listen 3389 recv fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 2
}
