how="nothing listens on port 3389. Captured at the router."
peers="xfreerdp 2.11.7, Linux"
play() {
    capture router-client
    xfreerdp_start $SERVER4
    at_most 4
}
