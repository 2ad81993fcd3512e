how="frames cut at 96 bytes: headers and little more, so handshake and certificate are not in the file. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
snaplen=96 format=pcap.zst
play() {
    xrdp_start
    capture router-client
    healthy_session $SERVER4 /sec:tls
}
