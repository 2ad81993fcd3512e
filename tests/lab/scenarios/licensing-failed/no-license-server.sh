how="Standard RDP Security without encryption: a licensing error NO_LICENSE_SERVER (total abort) in place of xrdp's, then a close. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="the licensing error and the close are the script's"
play() {
    relayed_xrdp_start d1=license:6,fin -- security_layer=rdp crypt_level=none
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
