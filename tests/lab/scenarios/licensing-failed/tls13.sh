how="the server closes after its first licensing message (License Request) and the client's answer (hidden by TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the close is the script's"
play() {
    relayed_xrdp_start d2=skip,fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
