how="random bytes behind the first eight bytes of a SYN, on UDP 3389, answered by the like. Captured at the client."
peers="a script"
forged="the datagrams"
snaplen=200 format=pcapng.gz
play() {
    capture client udp
    noise almost 3389
}
