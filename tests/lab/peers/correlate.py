"""correlate.py PORT HOST ID: passes connections from PORT on to port 3389 of HOST, and puts RDP_NEG_CORRELATION_INFO with ID (hex)
into the Connection Request, as mstsc does and xfreerdp does not."""
import socket
import struct
import sys
import threading

from connect_proxy import pump

PORT, HOST, ID = int(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])


def correlated(request):
    """A Connection Request that ends in RDP_NEG_REQ, with flag 8 and the id behind it."""
    flags, more = len(request) - 7, struct.pack("<BBH", 6, 0, 36) + ID + bytes(16)
    tpkt = struct.pack(">BBHB", 3, 0, len(request) + 36, request[4] + 36)
    return tpkt + request[5:flags] + bytes([request[flags] | 8]) + request[flags + 1 :] + more


server = socket.create_server(("", PORT))
while True:
    client, _ = server.accept()
    upstream = socket.create_connection((HOST, 3389))
    upstream.sendall(correlated(client.recv(4096)))
    threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
    pump(client, upstream)
