how="the capture ends 2 s after the Connection Request, with no answer until then. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    xrdp_start
    kill -STOP $XRDP
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 2
    in_ns client ping -q -c1 $SERVER4
    capture_stop
}
