how="in the middle of a session the link goes dead both ways while the user moves the mouse; the captures go on for 25 s."
peers="xfreerdp 2.11.7, freerdp-shadow-cli 2.11.7, a script that forwards, then does not"
snaplen=200
places="client router-client router-server server"
play() {
    shadow_start -auth
    path t0=delay:5 t4=drop
    capture_everywhere
    size=800x600 xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    pointer 10
    sleep 27
    in_ns client ping -q -c1 10.77.1.1
    in_ns server ping -q -c1 10.77.2.1
    capture_stop
}
