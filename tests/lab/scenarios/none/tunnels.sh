how="VXLAN on UDP 4789, WireGuard's shape on UDP 3389, NTP on UDP 123. Captured at the server."
peers="a script"
forged="the datagrams"
snaplen=200
play() {
    capture server udp
    noise vxlan 4789
    noise wireguard 3389
    noise ntp 123
}
