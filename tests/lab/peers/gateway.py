"""gateway.py PORT CERTIFICATE KEY TARGET [OPTION...]: a Remote Desktop Gateway (MS-TSGU) over HTTP and WebSocket.

Written after the specification, since no free gateway is packaged. It believes every NTLM logon, and joins the tunnel
to TARGET (host:port) whatever the client asks for. Options:
  no-websocket      refuse the upgrade: two connections of HTTP
  chunked           the gateway's own body comes in chunks
  http=STATUS       answer the last message of the logon with this status (401: the password is wrong)
  tunnel=STATUS     status (hexadecimal) of the tunnel response; authorize=, channel= and close= (after two seconds) alike
"""
import base64
import hashlib
import secrets
import socket
import ssl
import struct
import sys
import threading
import time

HANDSHAKE, TUNNEL, AUTHORIZE, CHANNEL, DATA, KEEPALIVE, CLOSE = 1, 4, 6, 8, 10, 13, 16
OPTIONS = dict(option.partition("=")[::2] for option in sys.argv[5:])
tunnels, joined = {}, threading.Condition()


def status(name):
    return int(OPTIONS.get(name, "0"), 16)


def packet(kind, body):
    return struct.pack("<HHI", kind, 0, 8 + len(body)) + body


def challenge():
    """NTLM CHALLENGE_MESSAGE (MS-NLMP, section 2.2.1.2)."""
    name = "GW".encode("utf-16-le")
    pairs = b"".join(struct.pack("<HH", kind, len(name)) + name for kind in (1, 2))
    now = int((time.time() + 11644473600) * 10**7)
    pairs += struct.pack("<HHQ", 7, 8, now) + struct.pack("<HH", 0, 0)
    flags = 0xE2898215
    head = b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), 56, flags) + secrets.token_bytes(8) + bytes(8)
    head += struct.pack("<HHI", len(pairs), len(pairs), 56 + len(name)) + bytes([10, 0, 0x7C, 0x4F, 0, 0, 0, 15])
    return head + name + pairs


def accept(fields):
    """RFC 6455, section 4.2.2."""
    text = fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


class Connection:
    def __init__(self, tls):
        self.tls, self.file, self.lock, self.send = tls, tls.makefile("rb"), threading.Lock(), self.plain

    def plain(self, data):
        with self.lock:
            self.tls.sendall(data)

    def chunk(self, data):
        self.plain(b"%x\r\n%s\r\n" % (len(data), data))

    def frame(self, data, opcode=2):
        length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
        self.plain(bytes([0x80 | opcode]) + length + data)

    def request(self):
        """Method and fields of the next request, or None."""
        line = self.file.readline().split()
        if len(line) != 3:
            return None
        fields = {}
        while field := self.file.readline().strip():
            name, _, value = field.partition(b":")
            fields[name.strip().lower().decode()] = value.strip().decode()
        self.file.read(int(fields.get("content-length", 0)))
        return line[0].decode(), fields

    def answer(self, code, *fields):
        text = {101: "Switching Protocols", 200: "OK", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable"}
        lines = [f"HTTP/1.1 {code} {text[code]}", "Server: Microsoft-HTTPAPI/2.0", *fields, "", ""]
        self.plain("\r\n".join(lines).encode())

    def bytes_of_chunks(self):
        while size := int(self.file.readline().split(b";")[0] or b"0", 16):
            yield self.file.read(size)
            self.file.readline()

    def bytes_of_frames(self):
        while head := self.file.read(2):
            length = head[1] & 0x7F
            if length > 125:
                length = int.from_bytes(self.file.read(2 if length == 126 else 8), "big")
            mask = self.file.read(4) if head[1] & 0x80 else bytes(4)
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.file.read(length)))
            if head[0] & 15 == 8:
                return
            if head[0] & 15 in (0, 1, 2):
                yield data

    def close(self):
        """As Windows does: with close_notify, then FIN."""
        try:
            self.tls.settimeout(0.5)
            self.tls.unwrap()
        except (OSError, ValueError):
            pass
        self.tls.close()


def logon(connection):
    """The first request whose logon is over, or None."""
    while request := connection.request():
        method, fields = request
        scheme, _, token = fields.get("authorization", "").partition(" ")
        kind = base64.b64decode(token)[8:9] if scheme == "NTLM" else b""
        if kind == b"\3":
            if "http" not in OPTIONS:
                return request
            again = ["WWW-Authenticate: NTLM"] if OPTIONS["http"] == "401" else []
            connection.answer(int(OPTIONS["http"]), *again, "Content-Length: 0")
        else:
            token = b" " + base64.b64encode(challenge()) if kind == b"\1" else b""
            connection.answer(401, "WWW-Authenticate: NTLM" + token.decode(), "Content-Length: 0")
    return None


def packets(pieces):
    data = b""
    for piece in pieces:
        data += piece
        while len(data) >= 8 and len(data) >= (length := struct.unpack_from("<I", data, 4)[0]):
            yield struct.unpack_from("<H", data)[0], data[8:length]
            data = data[length:]


def downward(target, out):
    """What the computer says, to the client."""
    while data := target.recv(16000):
        out.send(packet(DATA, struct.pack("<H", len(data)) + data))
    out.send(packet(CLOSE, struct.pack("<I", 0x800759DF)))
    out.close()


def close_later(out, target):
    time.sleep(2)
    out.send(packet(CLOSE, struct.pack("<I", status("close"))))
    out.close()
    target.close()


def tunnel(pieces, out):
    """Plays the gateway's side; `out` takes what it says."""
    target = None
    for kind, body in packets(pieces):
        failed = 0
        if kind == HANDSHAKE:
            out.send(packet(2, struct.pack("<IBBHH", 0, 1, 0, 0, 0)))
        elif kind == TUNNEL:
            failed = status("tunnel")
            fields = b"" if failed else struct.pack("<II", 7, 0x3F)
            out.send(packet(5, struct.pack("<HIHH", 1, failed, 0 if failed else 3, 0) + fields))
        elif kind == AUTHORIZE:
            failed = status("authorize")
            fields = b"" if failed else struct.pack("<II", 0x80000000, 30)
            out.send(packet(7, struct.pack("<IHH", failed, 0 if failed else 3, 0) + fields))
        elif kind == CHANNEL:
            failed = status("channel")
            if not failed:
                host, port = sys.argv[4].rsplit(":", 1)
                target = socket.create_connection((host, int(port)))
            out.send(packet(9, struct.pack("<IHH", failed, 0 if failed else 1, 0) + (b"" if failed else struct.pack("<I", 1))))
            if target:
                threading.Thread(target=downward, args=(target, out), daemon=True).start()
                if "close" in OPTIONS:
                    threading.Thread(target=close_later, args=(out, target), daemon=True).start()
        elif kind == DATA and target:
            target.sendall(body[2 : 2 + struct.unpack_from("<H", body)[0]])
        elif kind == CLOSE and target:
            target.close()
            out.send(packet(17, struct.pack("<I", 0)))
        if failed:
            time.sleep(0.2)
            break
    out.close()
    if target:
        target.close()


def serve(sock):
    try:
        connection = Connection(context.wrap_socket(sock, server_side=True))
        request = logon(connection)
        if not request:
            return connection.close()
        method, fields = request
        if fields.get("upgrade", "").lower() == "websocket" and "no-websocket" not in OPTIONS:
            connection.answer(101, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept(fields))
            connection.send = connection.frame
            return tunnel(connection.bytes_of_frames(), connection)
        if method == "RDG_OUT_DATA":
            chunked = "chunked" in OPTIONS
            connection.answer(200, "Content-Type: application/octet-stream", *["Transfer-Encoding: chunked"] * chunked)
            connection.send = connection.chunk if chunked else connection.plain
            connection.send(secrets.token_bytes(10))
            with joined:
                tunnels[fields["rdg-connection-id"]] = connection
                joined.notify_all()
            return None
        connection.answer(200, "Content-Length: 0")
        if connection.request():
            with joined:
                joined.wait_for(lambda: fields["rdg-connection-id"] in tunnels, 5)
            tunnel(connection.bytes_of_chunks(), tunnels[fields["rdg-connection-id"]])
        return connection.close()
    except (OSError, ValueError) as error:
        print(error, flush=True)
        return sock.close()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
listener = socket.create_server(("", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
