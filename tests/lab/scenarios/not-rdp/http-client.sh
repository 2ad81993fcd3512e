how="a web client asks xrdp for a page. Captured at the server."
peers="python3 urllib, xrdp 0.9.21"
play() {
    xrdp_start
    capture server
    start client web python3 -c "import urllib.request as u; u.urlopen('http://$SERVER4:3389/', timeout=2)"
    at_most 3
}
