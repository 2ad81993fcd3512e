how="Standard RDP Security without encryption: an active session ends with Set Error Info 3 (idle timeout) and a Disconnect Provider Ultimatum. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21 behind a script"
forged="Set Error Info and Disconnect Provider Ultimatum are the script's"
play() {
    relayed_xrdp_start s20=error:3,goodbye,fin -- security_layer=rdp crypt_level=none
    capture client
    xfreerdp_start $SERVER4 /sec:rdp
    at_most 4
}
