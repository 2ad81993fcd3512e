how="the server says goodbye (Disconnect Provider Ultimatum) in place of its Demand Active and closes (hidden by TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the Disconnect Provider Ultimatum is the script's"
play() {
    relayed_xrdp_start d3=goodbye,fin
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
