how="Standard RDP Security: xrdp hangs while the session is being finalized and is killed with the client's messages unread. Captured at the router-server."
peers="rdesktop 1.9.0, xrdp 0.9.21, a script that forwards"
forged="the moment of the stop is a script's"
play() {
    xrdp_start security_layer=rdp
    path "c16=run:$(signal_to server xrdp STOP); (sleep 0.5; $(signal_to server xrdp KILL)) &"
    capture router-server
    rdesktop_start $SERVER4
    at_most 4
}
