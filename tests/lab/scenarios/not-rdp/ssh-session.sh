how="an SSH login over port 3389, no RDP at all. Captured at the router."
peers="OpenSSH ssh and sshd"
play() {
    sshd_start 3389
    capture router-client
    in_ns client ssh -p 3389 -o StrictHostKeyChecking=no -o BatchMode=yes -o UserKnownHostsFile=/dev/null nobody@$SERVER4 true || true
}
