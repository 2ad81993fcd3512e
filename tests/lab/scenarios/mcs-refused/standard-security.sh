how="Standard RDP Security: the server's MCS Connect-Response says unspecified-failure (14); the client leaves. Captured at the client."
peers="rdesktop 1.9.0, xrdp 0.9.21 behind a script"
forged="the result in xrdp's Connect-Response is the script's"
play() {
    relayed_xrdp_start s1=result:14 -- security_layer=rdp
    capture client
    rdesktop_start $SERVER4
    at_most 4
}
