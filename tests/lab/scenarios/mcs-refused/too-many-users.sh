how="Standard RDP Security: the server's MCS Connect-Response says too-many-users (13) and the server closes. Captured at the router-client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the result in xrdp's Connect-Response and the close are the script's"
play() {
    relayed_xrdp_start s1=result:13 s2=skip,fin -- security_layer=rdp
    capture router-client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
