. "$LAB/scenarios/path-mtu-black-hole/udp-v3.sh"
how="RDP-UDP of version 3; after 3 s a link on the way takes 900 bytes and says nothing: of the server's datagrams only small ones arrive. Captured at the client."
at=client
