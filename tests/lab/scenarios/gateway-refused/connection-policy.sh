how="the gateway's connection policy does not let the user through; over two connections of HTTP under TLS 1.2, with the session's TLS secrets in the capture. Captured at the client."
peers="xfreerdp 2.11.7, a gateway of our own after MS-TSGU"
forged="everything that the gateway says, since no free one is packaged"
play() {
    gateway_start no-websocket authorize=800759DB
    capture client
    keyed tls12 by_gateway
    at_most 4
}
