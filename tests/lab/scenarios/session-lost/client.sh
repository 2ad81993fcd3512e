how="in the middle of a session the link goes dead both ways while the user moves the mouse; the capture goes on for 25 s. Captured at the client."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards, then does not"
snaplen=300
play() {
    shadow_start -auth
    path t0=delay:5 t4=drop
    capture client
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    pointer 10
    sleep 27
    in_ns client ping -q -c1 10.77.1.1
    capture_stop
}
