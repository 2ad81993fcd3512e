how="the same in clear: after the MCS Connect-Response the server says goodbye and closes. Captured at the server."
peers="rdesktop 1.9.0, xrdp 0.9.21 behind a script"
forged="the Disconnect Provider Ultimatum is the script's"
play() {
    relayed_xrdp_start s2=goodbye,fin -- security_layer=rdp
    capture server
    rdesktop_start $SERVER4
    at_most 4
}
