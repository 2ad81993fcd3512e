how="TFTP, first asked on UDP 3389. Captured at the server."
peers="tftp-hpa 5.2, atftpd 0.8"
play() {
    mkdir -m 777 "$WORK/tftp"
    head -c 40000 /dev/urandom >"$WORK/tftp/file"
    chmod 755 "$WORK"
    chmod 644 "$WORK/tftp/file"
    start server atftpd atftpd --daemon --no-fork --port 3389 --user root.root --bind-address $SERVER4 "$WORK/tftp"
    bound server 3389
    capture server udp
    start client tftp tftp $SERVER4 3389 -m binary -c get file "$WORK/got"
    at_most 5
}
