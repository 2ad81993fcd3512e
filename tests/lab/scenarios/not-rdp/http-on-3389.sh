how="a web server on port 3389; the RDP client sends its Connection Request and gets an HTTP error. Captured at the router."
peers="xfreerdp 2.11.7, python3 http.server"
play() {
    mkdir "$WORK/www"
    start server www python3 -m http.server 3389 --directory "$WORK/www"
    listening server 3389
    capture router-client
    xfreerdp_start $SERVER4 /sec:tls
    at_most 6
}
