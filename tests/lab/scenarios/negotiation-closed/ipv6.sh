how="the same over IPv6, the listener waits 1 s. Captured at the server."
peers="xfreerdp 2.11.7, a script"
forged="the server's closing is a script's"
play() {
    peer server close listen 3389 recv silent:1 fin
    capture server
    xfreerdp_start "[$SERVER6]" /sec:tls
    at_most 6
}
