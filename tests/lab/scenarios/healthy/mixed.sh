how="among web, DNS and ping traffic of the same client. Captured at the router."
peers="xfreerdp 2.11.7, xrdp 0.9.21, python3 http.server"
format=pcapng.gz
play() {
    xrdp_start
    mkdir "$WORK/www"
    start server www python3 -m http.server 80 --directory "$WORK/www"
    listening server 80
    capture router-client
    start client ping ping -i 0.5 -c 6 $SERVER4
    start client web python3 -c "
import socket, time, urllib.request
for i in range(6):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes.fromhex('1234010000010000000000000377777704746573740000010001'), ('$SERVER4', 53))
    urllib.request.urlopen('http://$SERVER4/').read()
    time.sleep(0.5)"
    healthy_session $SERVER4 /sec:tls
}
