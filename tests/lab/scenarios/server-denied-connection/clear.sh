how="Standard RDP Security without encryption: Set Error Info 0x7 and a Disconnect Provider Ultimatum in place of the Demand Active, and a close. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="Set Error Info and Disconnect Provider Ultimatum are the script's"
play() {
    relayed_xrdp_start d3=error:7,goodbye,fin -- security_layer=rdp crypt_level=none
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
