how="no host has the address: the router's own ICMP 3/1 after its ARP attempts failed. Captured at the client."
peers="xfreerdp 2.11.7, Linux as router"
play() {
    capture client
    xfreerdp_start 10.77.2.99
    at_most 10
}
