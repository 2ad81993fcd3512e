how="two clients' programs on one host at the same time; each session has a UDP flow of version 2 that carries its correlation id, the later session's first. Captured at the server."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP our own after the specification, OpenSSL"
forged="RDP_NEG_CORRELATION_INFO in the Connection Requests, which a script adds"
format=pcapng.gz
play() {
    xrdp_start
    datagram_server send=40 every=30
    capture server
    local id port=3391 first=1a2b3c4d5e6f708192a3b4c5d6e70000 second=9f8e7d6c5b4a39281706f5e4d3c20000 pids=()
    for id in $first $second; do
        start client correlate-$port python3 "$LAB/peers/correlate.py" $port $SERVER4 $id
        listening client $port
        xfreerdp_start 127.0.0.1:$port /sec:tls
        pids+=($PID)
        port=$((port + 1))
        sleep 1
    done
    sleep 1
    for id in $second $first; do
        datagram_client $SERVER4 id=$id send=40 every=30
        sleep 0.5
    done
    sleep 3
    kill "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null
}
