how="nothing listens on port 3389, over IPv6. Captured at the server."
peers="xfreerdp 2.11.7, Linux"
play() {
    capture server
    xfreerdp_start "[$SERVER6]"
    at_most 4
}
