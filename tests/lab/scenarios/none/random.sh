how="random bytes of random length on UDP 3389. Captured at the client."
peers="a script"
forged="the datagrams"
snaplen=200 format=pcapng.gz
play() {
    capture client udp
    noise random 3389
    noise ones 3390
}
