"""relay.py LISTEN UPSTREAM CERT KEY RULE...: stands in front of a real server on 127.0.0.1:UPSTREAM, with or without TLS, passes every
PDU on and does what the rules say, for messages that no server at hand can be made to send.

Rules are WHEN=ACTION[,ACTION...]. WHEN counts the server's PDUs after the Connection Confirm: s3 is before its 3rd, d2 before its 2nd that
carries data (MCS Send Data Indication; xrdp: d1 License Request, d2 STATUS_VALID_CLIENT, d3 Demand Active); s3! and d2! hold for the
first connection only.
ACTION:  send:HEX   result:N (MCS Connect-Response)   license:CODE   error:CODE (Set Error Info)   goodbye (Disconnect Provider Ultimatum)
         redirect:TOKEN (Server Redirection)   skip (that PDU is not passed on)   fin   rst   hang
"""
import select
import socket
import ssl
import struct
import sys
import time


def tpkt(data):
    return struct.pack(">BBH", 3, 0, 7 + len(data)) + b"\x02\xf0\x80" + data


def indication(data):
    size = struct.pack(">H", 0x8000 | len(data)) if len(data) > 127 else bytes([len(data)])
    return tpkt(b"\x68\x00\x01\x03\xeb\x70" + size + data)


def redirection(token):
    token = token.encode() + b"\r\n"
    body = struct.pack("<IIII", 0, 2, len(token), 0)[:12] + token
    body = struct.pack("<HH", 0x0400, 4 + len(body)) + body
    return indication(struct.pack("<HHHH", 9 + len(body), 0x1A, 1002, 0) + body + b"\0")


def read_pdu(sock):
    head = sock.recv(2)
    if len(head) < 2:
        return None
    if head[0] == 3:
        head += sock.recv(2)
        size = struct.unpack(">H", head[2:4])[0]
    elif head[1] & 0x80:
        head += sock.recv(1)
        size = (head[1] & 0x7F) << 8 | head[2]
    else:
        size = head[1]
    while len(head) < size:
        more = sock.recv(size - len(head))
        if not more:
            return None
        head += more
    return head


def forward(client, server, rules):
    count = {"s": 0, "d": 0}
    while True:
        ready = [s for s in (client, server) if isinstance(s, ssl.SSLSocket) and s.pending()]
        ready = ready or select.select([client, server], [], [])[0]
        if client in ready:
            data = client.recv(65536)
            if not data:
                return
            server.sendall(data)
        if server in ready:
            pdu = read_pdu(server)
            if pdu is None:
                return
            count["s"] += 1
            names = ["s%d" % count["s"]]
            if pdu[0] == 3 and pdu[7] >> 2 == 26:
                count["d"] += 1
                names.append("d%d" % count["d"])
            for action in ",".join(rules.get(n) or rules.pop(n + "!", "") for n in names).split(","):
                verb, _, value = action.partition(":")
                print(names, action, pdu[:12].hex(), flush=True)
                if verb == "send":
                    client.sendall(bytes.fromhex(value))
                elif verb == "result":
                    at = pdu.index(b"\x0a\x01") + 2
                    pdu = pdu[:at] + bytes([int(value)]) + pdu[at + 1 :]
                elif verb == "license":
                    client.sendall(indication(struct.pack("<HHBBHIIHH", 0x80, 0, 0xFF, 3, 16, int(value, 0), 1, 4, 0)))
                elif verb == "error":
                    client.sendall(indication(struct.pack("<HHHIBBHBBHI", 22, 0x17, 1002, 0x103EA, 0, 1, 4, 0x2F, 0, 0, int(value, 0))))
                elif verb == "goodbye":
                    client.sendall(tpkt(b"\x21\x80"))
                elif verb == "redirect":
                    client.sendall(redirection(value))
                elif verb == "skip":
                    pdu = b""
                elif verb == "hang":
                    time.sleep(60)
                elif verb == "fin":
                    return
                elif verb == "rst":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
            if pdu:
                client.sendall(pdu)


def serve(client, upstream, cert, key, rules):
    server = socket.create_connection(("127.0.0.1", upstream))
    server.sendall(read_pdu(client))
    confirm = read_pdu(server)
    client.sendall(confirm)
    if len(confirm) > 15 and confirm[11] == 2 and confirm[15] & 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        client = context.wrap_socket(client, server_side=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        server = context.wrap_socket(server)
    try:
        forward(client, server, rules)
    finally:
        client.close()
        server.close()


rules = dict(rule.split("=", 1) for rule in sys.argv[5:])
listener = socket.create_server(("", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    try:
        serve(connection, int(sys.argv[2]), sys.argv[3], sys.argv[4], rules)
    except OSError as error:
        print(error, flush=True)
