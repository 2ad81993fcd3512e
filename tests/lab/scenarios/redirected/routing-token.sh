how="the server sends the client elsewhere (Server Redirection with a broker's token, hidden by TLS 1.3) in place of its Demand Active; the client closes and comes back with that token. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the Server Redirection is the script's"
play() {
    relayed_xrdp_start 'd3!=redirect:tsv://MS Terminal Services Plugin.1.Lab,skip'
    capture client
    xfreerdp_start $SERVER4 /sec:tls
    sleep 3
    close_window FreeRDP
    at_most 3
}
