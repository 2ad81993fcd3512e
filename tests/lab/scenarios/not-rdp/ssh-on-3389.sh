how="an SSH server on port 3389; the RDP client sends its Connection Request. Captured at the client."
peers="xfreerdp 2.11.7, OpenSSH sshd"
play() {
    sshd_start 3389
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
