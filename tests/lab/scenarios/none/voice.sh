how="RTP and SIP on UDP 3389 and other ports. Captured at the client."
peers="a script"
forged="the datagrams"
play() {
    capture client udp
    noise rtp 3389
    noise sip 5060
    noise sip 3390
    noise rtp 4000
}
