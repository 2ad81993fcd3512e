how="segmentation offload on: packets above the MTU and wrong checksums, as a capture on a real host has. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
snaplen=65535
play() {
    in_ns server ethtool -K eth0 tx on tso on gso on >/dev/null
    in_ns router ethtool -K srv gro on >/dev/null
    xrdp_start
    capture server
    healthy_session $SERVER4 /sec:tls
}
