how="a UDP flow beside the session dies after 8 s, and about 65 s later the session's TCP connection goes: xrdp hangs while the user moves the mouse, is killed, and its host resets. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21; for UDP ironrdp-rdpeudp-tokio 0.2.0, rustls, a script that forwards"
forged="the moment at which xrdp ends"
format=pcapng.gz
play() {
    xrdp_start
    datagram_path t8=drop
    ironrdp_server send=100000 size=20 every=50000
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 1.5
    ironrdp_client $SERVER4 send=100000 size=20 every=50000
    sleep 8
    sleep 62
    pointer 4
    sleep 1
    eval "$(signal_to server xrdp STOP)"
    sleep 1
    eval "$(signal_to server xrdp KILL)"
    sleep 2
}
