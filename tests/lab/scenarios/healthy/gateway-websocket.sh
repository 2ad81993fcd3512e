how="a session by way of a gateway, over a WebSocket, with all TLS secrets in the capture; the user closes the window. Captured at the client."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU, xrdp 0.9.21 behind it"
forged="everything that the gateway says, since no free one is packaged"
play() {
    xrdp_start
    gateway_start
    capture client
    keyed by_gateway
    sleep 2.5
    close_window FreeRDP
    at_most 3
}
