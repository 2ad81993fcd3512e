how="Standard RDP Security without encryption: a Server Redirection with a broker's token in place of the Demand Active; the client closes and comes back with that token. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the Server Redirection is the script's"
play() {
    relayed_xrdp_start 'd3!=redirect:tsv://MS Terminal Services Plugin.1.Lab,skip' -- security_layer=rdp crypt_level=none
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    sleep 3
    close_window FreeRDP
    at_most 3
}
