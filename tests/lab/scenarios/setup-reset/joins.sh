how="xrdp hangs in the middle of the channel joins and is killed with the client's data unread: the kernel resets (TLS 1.3). Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    xrdp_start 
    path "c8=run:$(signal_to server xrdp STOP); (sleep 0.5; $(signal_to server xrdp KILL)) &"
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 4
}
