how="the gateway ends a working session after two seconds, at its time limit; over a WebSocket, with the session's TLS secrets in the capture. Captured at the client."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU, xrdp 0.9.21 behind it"
forged="everything that the gateway says, since no free one is packaged"
play() {
    xrdp_start
    gateway_start close=800759F6
    capture client
    keyed by_gateway
    at_most 4
}
