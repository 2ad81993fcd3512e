how="a SYN scan: SYN, SYN-ACK, RST. Captured at the server."
peers="nmap 7.93 -sS, xrdp 0.9.21"
play() {
    xrdp_start
    capture server
    in_ns client nmap -sS -Pn -n -p 3389 --max-retries 0 $SERVER4
}
