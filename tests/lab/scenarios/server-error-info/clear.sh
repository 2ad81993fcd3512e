how="Standard RDP Security without encryption: Set Error Info 0x10A (this edition takes no remote connections), a Disconnect Provider Ultimatum and a close in place of the Demand Active. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="Set Error Info and Disconnect Provider Ultimatum are the script's"
play() {
    relayed_xrdp_start d3=error:0x10A,goodbye,fin -- security_layer=rdp crypt_level=none
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
