. "$LAB/scenarios/path-mtu-black-hole/udp.sh"
how="RDP-UDP of version 2; after 3 s a link on the way takes 900 bytes and says nothing: of the server's datagrams only small ones arrive. Captured at the client."
at=client
