how="a session over TCP with two UDP flows of version 2 beside it, reliable and lossy, that carry one correlation id. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
format=pcapng.gz
play() {
    xrdp_start
    datagram_server send=100 every=30
    capture server
    xfreerdp_start $SERVER4 /sec:tls
    local tcp=$PID id=3f1c2b4a5d6e7f8091a2b3c4d5e60000
    sleep 2
    datagram_client $SERVER4 id=$id send=100 every=30
    start client datagram-client-2 python3 "$LAB/peers/datagram_peer.py" client $SERVER4 id=$id send=100 every=30 lossy=1
    sleep 6
    close_window FreeRDP
    PID=$tcp
    at_most 3
}
