"""datagram_peer.py server PORT CERTIFICATE KEY [OPTION=VALUE...]
datagram_peer.py client HOST [PORT] [OPTION=VALUE...]

RDP-UDP of version 1, 2 and 3, reliable with TLS and (not 3) lossy with DTLS. This peer is our own, after MS-RDPEUDP, MS-RDPEMT and what
captures of Windows show; its TLS and DTLS are OpenSSL's. It does what IronRDP's peer (rdpeudp/) does not: lossy mode, FEC packets,
dummy packets, a correlation id, several clients, and faults. Its data is random bytes in tunnel data messages.

Of both:    version=1|2|3 spoken at most, version=0 speaks 1 by sending no version    isn=N    send=N messages of size=BYTES every=MS,
            and big=N  each Nth of 1000 bytes
            fec=N  an FEC packet after each N source packets, which can repair one loss     stay=SECONDS idle after the data (1)
            dummy=N  of version 3: a dummy packet after each N packets of data
            keepalive=SECONDS (16; 4)     mtu=BYTES (1232)     tls=1.2 at most
The client: lossy=1    offer=NUMBER  the version that the SYN names (else `version`)    id=HEX  correlation id (else random)
            hash=1  a cookie hash in the SYN, as some clients send with version 2    port=N of its own    after=SECONDS it starts
            check=1  refuses certificates that no authority signed    min=1.3  offers TLS 1.3 alone    hello=never  sends no ClientHello
The server: tls=mute  acknowledges, but never answers TLS     tunnel=mute  never answers the tunnel's request
            hresult=HEX  answers it so (0)     keylog=FILE  where its TLS secrets go
"""
import os
import random
import selectors
import socket
import struct
import sys
import time
import traceback

from OpenSSL import SSL

from datagram_transport import ACK, CORRELATION_ID, SYN, SYNEX, SYNLOSSY, TRIES, WINDOW, Transport
from datagram_transport3 import Transport3

VERSION_3 = 0x0101

class Security:
    """OpenSSL between two memory buffers."""

    def __init__(self, options, lossy, server, certificate=None):
        context = SSL.Context(SSL.DTLS_METHOD if lossy else SSL.TLS_METHOD)
        context.set_cipher_list(b"DEFAULT")
        if "keylog" in options:
            context.set_keylog_callback(lambda _, line: open(options["keylog"], "ab").write(line + b"\n"))
        self.lossy, self.server = lossy, server
        if lossy:
            context.set_options(SSL.OP_NO_QUERY_MTU)
        if server:
            context.use_certificate_chain_file(certificate[0])
            context.use_privatekey_file(certificate[1])
            if lossy:
                secret = os.urandom(16)
                context.set_cookie_generate_callback(lambda _: secret)
                context.set_cookie_verify_callback(lambda _, cookie: cookie == secret)
        elif options.get("check"):
            context.set_verify(SSL.VERIFY_PEER, lambda *found: found[-1])
        if options.get("tls") == "1.2":
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
        if options.get("min") == "1.3":
            context.set_min_proto_version(SSL.TLS1_3_VERSION)
        self.connection = SSL.Connection(context, None)
        if server:
            self.connection.set_accept_state()
        else:
            self.connection.set_connect_state()
        if lossy:
            self.connection.set_ciphertext_mtu(1100)
        self.listening = server and lossy
        self.ready = self.failed = False
        self.timer = time.monotonic()

    def step(self, data=None):
        """Takes what came; gives the plain text."""
        plain = b""
        if data is not None:
            self.connection.bio_write(data)
        try:
            if self.listening:
                self.connection.DTLSv1_listen()
                self.listening = False
            if not self.ready:
                self.connection.do_handshake()
                self.ready = True
            while True:
                plain += self.connection.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            if not self.failed:
                print("security:", type(error).__name__, error, flush=True)
            self.failed = True
        return plain

    def timers(self):
        if self.lossy and not self.ready and not self.listening and time.monotonic() - self.timer >= 0.1:
            self.timer = time.monotonic()
            SSL._lib.DTLSv1_handle_timeout(self.connection._ssl)

    def output(self):
        """What is to be sent, each as one write; DTLS records go together as far as they fit."""
        data = b""
        while True:
            try:
                data += self.connection.bio_read(65536)
            except SSL.Error:
                break
        if not self.lossy:
            return [data] if data else []
        packed = []
        while data:
            size = 13 + struct.unpack(">H", data[11:13])[0]
            if packed and len(packed[-1]) + size <= 1100 and not self.ready:
                packed[-1] += data[:size]
            else:
                packed.append(data[:size])
            data = data[size:]
        return packed


def spoken(options):
    """The highest version, as the wire names it; 0 for an end that names none."""
    version = int(options.get("version", "2"), 0)
    return VERSION_3 if version == 3 else version


class End:
    """A client, or a server's side of one client: handshake, security, tunnel, data."""

    def __init__(self, options, send, server, certificate=None):
        self.options, self.wire_send, self.server, self.certificate = options, send, server, certificate
        self.isn = int(options.get("isn", random.getrandbits(32)))
        self.mtu = int(options.get("mtu", 1232))
        self.transport = self.security = None
        self.plain = b""
        self.tunnel = False
        self.to_send = int(options.get("send", 0))
        self.received = 0
        self.next_send = self.done_at = None
        self.over = None
        self.start = time.monotonic()
        self.handshake = None
        self.tries = 0

    # --- handshake ----------------------------------------------------------------------------

    def syn(self):
        flags = SYN | CORRELATION_ID
        lossy = self.options.get("lossy")
        if lossy:
            flags |= SYNLOSSY
        version = int(self.options["offer"], 0) if "offer" in self.options else spoken(self.options)
        body = struct.pack(">IHH", self.isn, self.mtu, self.mtu)
        body += bytes.fromhex(self.options["id"]) if "id" in self.options else os.urandom(14) + b"\0\0"
        body += bytes(16)
        if version:
            flags |= SYNEX
            body += struct.pack(">HH", 1, version) + (os.urandom(32) if self.options.get("hash") else b"")
        self.lossy = bool(lossy)
        self.handshake = (struct.pack(">IHH", 0xFFFFFFFF, WINDOW, flags) + body).ljust(1232, b"\0")
        self.wire_send(self.handshake)
        self.retry_at = self.start + 3.5

    def syn_ack(self, datagram):
        _, _, flags = struct.unpack(">IHH", datagram[:8])
        peer_isn, up, down = struct.unpack(">IHH", datagram[8:16])
        at = 16 + (32 if flags & CORRELATION_ID else 0)
        offered = struct.unpack(">H", datagram[at + 2 : at + 4])[0] if flags & SYNEX else 0
        self.lossy = bool(flags & SYNLOSSY)
        version = min(offered, spoken(self.options))
        if 2 < version < VERSION_3 or self.lossy:
            version = min(version, 2)
        answer = SYN | ACK | (SYNEX if version else 0)
        body = struct.pack(">IHH", self.isn, min(self.mtu, down), min(self.mtu, up))
        body += struct.pack(">HH", 1, version) if version else b""
        self.handshake = (struct.pack(">IHH", peer_isn, WINDOW, answer) + body).ljust(1232, b"\0")
        self.version = max(version, 1)
        self.peer_isn = peer_isn
        self.retry_at = time.monotonic() + (0.5 if self.version < 2 else 0.3)
        self.wire_send(self.handshake)

    def established(self, version, peer_isn):
        if version == VERSION_3:
            self.transport = Transport3(self.options, self.wire_send, self.secured)
        else:
            self.transport = Transport(self.options, version, self.lossy, self.isn, peer_isn, self.wire_send, self.secured)
        if self.options.get("tls") != "mute" and self.options.get("hello") != "never":
            self.security = Security(self.options, self.lossy, self.server, self.certificate)
        print(f"connected, version {version}, {'lossy' if self.lossy else 'reliable'}", flush=True)
        self.flush()

    def receive(self, datagram):
        if len(datagram) < 8:
            return
        flags = struct.unpack(">H", datagram[6:8])[0]
        whole = len(datagram) >= 1132
        if self.server:
            if whole and flags & SYN and datagram[:4] == b"\xff\xff\xff\xff":
                if self.handshake is None:
                    self.syn_ack(datagram)
                elif self.transport is None:
                    self.wire_send(self.handshake)
                return
            if self.transport is None and self.handshake:
                self.established(self.version, self.peer_isn)
        elif whole and flags & (SYN | ACK) == SYN | ACK and struct.unpack(">I", datagram[:4])[0] == self.isn:
            if self.transport is None:
                at = struct.unpack(">H", datagram[18:20])[0] if flags & SYNEX else 1
                self.established(at, struct.unpack(">I", datagram[8:12])[0])
                if self.transport.spoke == self.transport.heard and self.security is None:
                    self.transport.acknowledge(False)
            return
        if self.transport:
            self.transport.receive(datagram)
            self.flush()

    # --- security, tunnel, data ---------------------------------------------------------------

    def secured(self, payload):
        if self.security is None:
            return
        self.plain += self.security.step(payload)
        self.messages()

    def messages(self):
        while len(self.plain) >= 4:
            action, payload, header = struct.unpack("<BHB", self.plain[:4])
            size = header + payload
            if len(self.plain) < size:
                return
            body, self.plain = self.plain[header:size], self.plain[size:]
            if action & 15 == 0 and self.server:
                if self.options.get("tunnel") == "mute":
                    continue
                result = int(self.options.get("hresult", "0"), 16)
                self.say(struct.pack("<BHBI", 1, 4, 4, result))
                if result == 0:
                    self.begin()
            elif action & 15 == 1 and not self.server:
                if struct.unpack("<I", body[:4])[0]:
                    print("tunnel refused", flush=True)
                    self.over = time.monotonic() + 0.2
                else:
                    self.begin()
            elif action & 15 == 2:
                self.received += 1

    def begin(self):
        print("tunnel", flush=True)
        self.tunnel = True
        self.next_send = time.monotonic()

    def say(self, message):
        self.security.connection.send(message)
        self.flush()

    def flush(self):
        if self.security is None:
            return
        if not self.security.ready and not self.security.failed:
            self.plain += self.security.step()
        for data in self.security.output():
            self.transport.write(data)
        if self.security.ready and not self.server and not self.tunnel and not self.security.failed and not hasattr(self, "asked"):
            self.asked = True
            self.say(struct.pack("<BHBII", 0, 24, 4, 7, 0) + b"\x5a" * 16)
        if self.security.failed and self.over is None:
            self.over = time.monotonic() + 0.5

    def tick(self):
        now = time.monotonic()
        if self.transport is None:
            if self.handshake and now >= self.retry_at:
                self.tries += 1
                if self.tries > (2 if not self.server else TRIES):
                    self.over = now
                    return
                self.wire_send(self.handshake)
                waits = (2.7, 4) if not self.server else (0.6, 1.2, 2.4, 4.8, 9.6)
                self.retry_at = now + waits[min(self.tries - 1, len(waits) - 1)]
            return
        if self.security:
            self.security.timers()
            self.flush()
        size = int(self.options.get("size", 20))
        every = float(self.options.get("every", 2)) / 1000
        while self.tunnel and self.to_send and now >= self.next_send and len(self.transport.waiting) < WINDOW:
            self.to_send -= 1
            self.next_send = max(self.next_send + every, now - 0.05)
            big = int(self.options.get("big", 0))
            now_size = 1000 if big and self.to_send % big == 0 else size
            self.say(struct.pack("<BHB", 2, now_size, 4) + os.urandom(now_size))
            self.done_at = now
        self.transport.tick()
        if self.transport.dead:
            self.over = self.over or now
        if not self.server and self.tunnel and not self.to_send and not self.transport.waiting and not self.transport.flying:
            if now - (self.done_at or self.start) >= float(self.options.get("stay", 1)) and self.over is None:
                self.over = now


def main():
    words = [word for word in sys.argv[1:] if "=" not in word]
    options = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
    server = words[0] == "server"
    port = int(words[1] if server else words[2] if len(words) > 2 else 3389)
    family = socket.AF_INET6 if not server and ":" in words[1] or options.get("family") == "6" else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    ends = {}
    if server:
        sock.bind(("", port))
    else:
        time.sleep(float(options.get("after", 0)))
        sock.bind(("", int(options.get("port", 0))))
        sock.connect((words[1], port))
        ends[None] = End(options, lambda data: quietly(sock.send, data), False)
        ends[None].syn()
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ)
    while server or ends:
        if selector.select(0.002 if any(end.transport for end in ends.values()) else 0.02):
            for _ in range(64):
                try:
                    data, address = sock.recvfrom(65535)
                except OSError:
                    break
                key = address if server else None
                if server and key not in ends:
                    send = lambda data, address=address: quietly(sock.sendto, data, address)
                    ends[key] = End(options, send, True, words[2:4])
                try:
                    ends[key].receive(data)
                except (struct.error, IndexError):
                    traceback.print_exc()
        for key, end in list(ends.items()):
            end.tick()
            if end.over and time.monotonic() >= end.over:
                transport = end.transport
                print(f"over: received {end.received}, {transport.dead if transport else 'no answer'}", flush=True)
                del ends[key]


def quietly(send, *arguments):
    try:
        send(*arguments)
    except OSError as error:
        print("send:", error, flush=True)


main()
