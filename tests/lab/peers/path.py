"""path.py CLIENT-SIDE SERVER-SIDE [RULE...]: the router's IPv4 forwarding, done here instead of in the kernel, so that a packet
can be delayed, lost, doubled, overtaken, or be the moment at which something else happens.

Rules are WHEN=ACTION. WHEN counts the first connection's segments that carry new data:
    c5      before the client's 5th is passed on        c5+     after it
    s5      before the server's 5th is passed on        s5+     after it
    c>400   before the client's first of more than 400 bytes
    t1.5    1.5 s after the first packet                fin-c, fin-s    before this end's first FIN is passed on
ACTION:
    lose    this segment never arrives                  twice   it arrives twice
    swap    the next one of its direction overtakes it  hold:S  it arrives S seconds late
    drop    nothing passes any more; drop-c, drop-s: nothing from the client, from the server; drop-data-c, drop-data-s:
            nothing from there that carries data        pass    undoes these
    loss-c:P, loss-s:P      from now on P per cent of that end's data segments are lost (always the same ones)
    rst-c[:N], rst-s[:N]    a forged RST to the client or the server, as if the other one had sent it; N bytes beyond the right place
    run:COMMAND             a shell command; the packet waits until it has ended
    delay:MS                from now on every packet takes this long
"""
import heapq
import random
import select
import socket
import struct
import subprocess
import sys
import time

FIN, RST, ACK = 1, 4, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def open_port(name):
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    port.bind((name, 0x0800))
    return port


def neighbour(name):
    """The MAC address at the other end of the cable, from the kernel's table."""
    with open("/proc/net/arp") as table:
        for line in table:
            fields = line.split()
            if fields[-1] == name:
                return bytes.fromhex(fields[3].replace(":", ""))
    sys.exit("no neighbour on " + name)


class Side:
    def __init__(self, name):
        self.port = open_port(name)
        self.header = neighbour(name) + self.port.getsockname()[4] + b"\x08\x00"
        self.segments = 0
        self.next = None
        self.ack = 0
        self.loss = 0.0
        self.blocked = ""
        self.kept = None
        self.finished = False


class Path:
    def __init__(self, client, server, rules):
        self.sides = {"c": Side(client), "s": Side(server)}
        self.rules = dict(rule.split("=", 1) for rule in rules)
        self.delay = 0.0
        self.queue = []
        self.count = 0
        self.ends = None
        self.start = None
        self.random = random.Random(7)

    def later(self, when, work):
        self.count += 1
        heapq.heappush(self.queue, (when, self.count, work))

    def loop(self):
        ports = {side.port.fileno(): name for name, side in self.sides.items()}
        for when, action in self.rules.items():
            if when == "t0":
                self.act(action, None, None)
        print("ready", flush=True)
        while True:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None
            ready, _, _ = select.select(list(ports), [], [], wait)
            for port in ready:
                name = ports[port]
                packet, address = self.sides[name].port.recvfrom(65535)
                if address[2] == socket.PACKET_HOST:
                    self.receive(name, packet[14:])
            while self.queue and self.queue[0][0] <= time.monotonic():
                heapq.heappop(self.queue)[2]()

    def receive(self, name, packet):
        packet = packet[: struct.unpack(">H", packet[2:4])[0]]
        if packet[16] >= 0xE0 or packet[8] <= 1 or packet[19] == 1:
            return  # multicast, at its end, or the router's own
        packet = packet[:8] + bytes([packet[8] - 1]) + packet[9:10] + b"\0\0" + packet[12:]
        packet = packet[:10] + struct.pack(">H", checksum(packet[:20])) + packet[12:]
        if packet[9] != 6:
            return self.send(name, packet)
        if self.start is None:
            self.start = time.monotonic()
            for when, action in self.rules.items():
                if when[0] == "t" and when != "t0":
                    self.later(self.start + float(when[1:]), lambda action=action: self.act(action, None, None))
        self.tcp(name, packet)

    def tcp(self, name, packet):
        side = self.sides[name]
        tcp = packet[20:]
        sport, dport, seq, ack, offset, flags, window = struct.unpack(">HHIIBBH", tcp[:16])
        length = len(tcp) - (offset >> 4) * 4
        ports = (sport, dport) if name == "c" else (dport, sport)
        if self.ends is None:
            self.ends = ports
        verdict, after = None, None
        if ports == self.ends:
            side.address, side.window = packet[12:16], window
            end = (seq + length) & 0xFFFFFFFF
            fresh = length > 0 and (side.next is None or 0 < (end - side.next) & 0xFFFFFFFF < 1 << 31)
            if side.next is None or fresh or flags & (FIN | RST):
                side.next = (end + (1 if flags & 2 else 0)) & 0xFFFFFFFF
            if flags & ACK:
                side.ack = ack
            if flags & FIN and not side.finished:
                side.finished = True
                verdict = self.act(self.rules.get("fin-" + name), name, packet)
            if fresh:
                side.segments += 1
                verdict = self.act(self.rules.get(f"{name}{side.segments}"), name, packet) or verdict
                after = self.rules.get(f"{name}{side.segments}+")
                for when in [w for w in self.rules if w.startswith(name + ">") and length > int(w[2:])]:
                    verdict = self.act(self.rules.pop(when), name, packet) or verdict
        if side.blocked == "all" or side.blocked == "data" and length > 0:
            verdict = "gone"
        if length > 0 and side.loss and self.random.random() * 100 < side.loss:
            verdict = "gone"
        if verdict != "gone":
            if verdict != "kept":
                self.send(name, packet)
                if side.kept:
                    self.send(name, side.kept)
                    side.kept = None
            if after:
                self.later(time.monotonic() + self.delay, lambda: self.act(after, name, packet))

    def send(self, name, packet, more=0.0):
        target = self.sides["s" if name == "c" else "c"]
        work = lambda: target.port.send(target.header + packet)
        if self.delay + more:
            self.later(time.monotonic() + self.delay + more, work)
        else:
            work()

    def act(self, action, name, packet):
        if not action:
            return None
        print(f"{time.monotonic():.6f} {name} {action}", flush=True)
        verb, _, value = action.partition(":")
        if verb == "lose":
            return "gone"
        if verb == "twice":
            self.send(name, packet)
        elif verb == "swap":
            self.sides[name].kept = packet
            return "kept"
        elif verb == "hold":
            self.send(name, packet, float(value))
            return "kept"
        elif verb == "drop":
            self.sides["c"].blocked = self.sides["s"].blocked = "all"
        elif verb in ("drop-c", "drop-s"):
            self.sides[verb[-1]].blocked = "all"
        elif verb in ("drop-data-c", "drop-data-s"):
            self.sides[verb[-1]].blocked = "data"
        elif verb == "pass":
            self.sides["c"].blocked = self.sides["s"].blocked = ""
        elif verb in ("loss-c", "loss-s"):
            self.sides[verb[-1]].loss = float(value)
        elif verb in ("rst-c", "rst-s"):
            self.forge("s" if verb[-1] == "c" else "c", int(value or 0))
        elif verb == "run":
            subprocess.run(value, shell=True)
        elif verb == "delay":
            self.delay = float(value) / 1000
        else:
            sys.exit("unknown action " + action)
        return None

    def forge(self, name, beyond):
        """A RST in NAME's name, as a middlebox makes it: its own TTL and IP ID, no timestamps."""
        side, other = self.sides[name], self.sides["s" if name == "c" else "c"]
        sport, dport = self.ends if name == "c" else reversed(self.ends)
        tcp = struct.pack(">HHIIBBHHH", sport, dport, (other.ack + beyond) & 0xFFFFFFFF, side.ack, 5 << 4, RST | ACK, 0, 0, 0)
        pseudo = side.address + other.address + struct.pack(">HH", 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0xBEEF, 0, 254, 6, 0) + side.address + other.address
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        other.port.send(other.header + head + tcp)


if __name__ == "__main__":
    Path(sys.argv[1], sys.argv[2], sys.argv[3:]).loop()
