how="the client sends a broker's routing token (tsv://) in place of the cookie. Captured at the client."
peers="xfreerdp 2.11.7 /load-balance-info, xrdp 0.9.21"
play() {
    xrdp_start
    capture client
    healthy_session $SERVER4 /sec:tls "/load-balance-info:tsv://MS Terminal Services Plugin.1.Lab"
}
