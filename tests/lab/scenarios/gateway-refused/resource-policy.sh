how="the gateway's resource policy does not let the user reach the computer; over a WebSocket, with the session's TLS secrets in the capture. Captured at the client."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU"
forged="everything that the gateway says, since no free one is packaged"
play() {
    gateway_start channel=800759DA
    capture client
    keyed by_gateway
    at_most 4
}
