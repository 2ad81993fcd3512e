"""datagram_path.py CLIENT-SIDE BETWEEN SERVER-SIDE TRUTH [RULE...]: the router's IPv4 forwarding, done here, so that UDP datagrams
can be lost, doubled and overtaken while somebody counts. TCP and ICMP pass untouched.

A datagram passes two halves of the path; what survives the first half is shown on the interface BETWEEN, where a capture sees
losses that were and losses that will be. TRUTH is where the counts go (JSON) when this program is ended: for each RDP-UDP flow and
direction how many datagrams came, how many of them carry a transmission number (data, FEC, dummies, repeats), how many of these
were lost, doubled, overtaken, or came while the path was cut (after `drop`, `drop-c` or `drop-s`), and the share lost before.

RULE is NAME=VALUE; -c is the client's direction, -s the server's:
    loss-c, loss-s          per cent lost            twice-c, twice-s        per cent doubled
    late-c, late-s          per cent that come `late` milliseconds (8) later, so that others overtake them
    burst                   how many in a row are lost at a time (1)          delay   milliseconds one way (5)
    syn-ack=lose            the answer to a SYN never arrives
    tN                      N seconds after the first datagram: drop, drop-c, drop-s, pass, big:BYTES (bigger IP packets vanish,
                            both ways), big-s:BYTES (the server's do), loss-c:P, loss-s:P, run:COMMAND
"""
import heapq
import json
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

from path import checksum, neighbour, open_port

SYN, ACK, DATA = 1, 4, 8
VERSION_3 = 0x0101


class Direction:
    def __init__(self, name, rules):
        self.loss = float(rules.get("loss-" + name, 0)) / 100
        self.twice = float(rules.get("twice-" + name, 0)) / 100
        self.late = float(rules.get("late-" + name, 0)) / 100
        self.blocked = False
        self.biggest = 65535
        self.random = random.Random("lab " + name)
        self.burst = [0, 0]

    def lost(self, half, length):
        """Whether this half of the path loses the next datagram, so that both halves together lose the share asked for."""
        if self.burst[half] > 0:
            self.burst[half] -= 1
            return True
        if self.random.random() < (1 - (1 - self.loss) ** 0.5) / length:
            self.burst[half] = length - 1
            return True
        return False


class Flow:
    """Counts of one RDP-UDP flow."""

    def __init__(self, ports):
        self.ports = ports
        self.version = None
        names = ("datagrams", "numbered", "lost", "doubled", "late", "cut")
        self.counts = {name: dict.fromkeys(names, 0) for name in "cs"}

    def numbered(self, payload):
        """Whether a datagram carries a transmission number."""
        if len(payload) < 8:
            return False
        flags = struct.unpack(">H", payload[6:8])[0]
        if self.version == VERSION_3 and not self.is_version_1(payload):
            return bool(payload[1] & 4)
        return bool(flags & DATA) and not flags & SYN

    def is_version_1(self, payload):
        """SYN, SYN+ACK, and the bare acknowledgement by which a client of version 3 may end the handshake."""
        flags = struct.unpack(">H", payload[6:8])[0]
        return len(payload) >= 1232 or len(payload) == 12 and flags == ACK

    def told(self):
        both = {}
        for name, called in (("c", "client_to_server"), ("s", "server_to_client")):
            counts = self.counts[name]
            whole = counts["numbered"] - counts["cut"]
            both[called] = dict(counts, loss_pct=round(100 * counts["lost"] / whole, 3) if whole else None)
        version = 3 if self.version == VERSION_3 else self.version
        return {"client_port": self.ports[0], "server_port": self.ports[1], "version": version, **both}


class Path:
    def __init__(self, client, between, server, truth, rules):
        self.ports = {"c": open_port(client), "s": open_port(server)}
        self.headers = {name: neighbour(device) + self.ports[name].getsockname()[4] + b"\x08\x00"
                        for name, device in (("c", client), ("s", server))}
        self.between = open_port(between)
        self.truth = truth
        self.events = [(float(when[1:]), action) for when, action in rules.items() if when[0] == "t" and when[1].isdigit()]
        self.directions = {name: Direction(name, rules) for name in "cs"}
        self.burst = int(rules.get("burst", 1))
        self.delay = float(rules.get("delay", 5)) / 1000
        self.late = float(rules.get("late", 8)) / 1000
        self.lose_syn_ack = rules.get("syn-ack") == "lose"
        self.flows = {}
        self.queue = []
        self.count = 0

    def later(self, seconds, work, *arguments):
        self.count += 1
        heapq.heappush(self.queue, (time.monotonic() + seconds, self.count, work, arguments))

    def loop(self):
        signal.signal(signal.SIGTERM, self.end)
        names = {port.fileno(): name for name, port in self.ports.items()}
        print("ready", flush=True)
        while True:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None
            ready, _, _ = select.select(list(names), [], [], wait)
            for number in ready:
                packet, address = self.ports[names[number]].recvfrom(65535)
                if address[2] == socket.PACKET_HOST:
                    self.receive(names[number], packet[14:])
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, work, arguments = heapq.heappop(self.queue)
                work(*arguments)

    def receive(self, name, packet):
        packet = packet[: struct.unpack(">H", packet[2:4])[0]]
        if packet[16] >= 0xE0 or packet[8] <= 1 or packet[19] == 1:
            return  # multicast, at its end, or the router's own
        packet = packet[:8] + bytes([packet[8] - 1]) + packet[9:10] + b"\0\0" + packet[12:]
        packet = packet[:10] + struct.pack(">H", checksum(packet[:20])) + packet[12:]
        first_fragment = not struct.unpack(">H", packet[6:8])[0] & 0x1FFF
        if packet[9] == 17 and first_fragment:
            self.datagram(name, packet)
        else:
            self.first_half(name, packet, None, 0)

    def datagram(self, name, packet):
        if self.events is not None:
            for seconds, action in self.events:
                self.later(seconds, self.act, action)
            self.events = None
        direction = self.directions[name]
        source, target = struct.unpack(">HH", packet[20:24])
        payload = packet[28:]
        ports = (source, target) if name == "c" else (target, source)
        flow = self.flows.get(ports)
        if len(payload) >= 1132:
            flags = struct.unpack(">H", payload[6:8])[0]
            if name == "c" and payload[:4] == b"\xff\xff\xff\xff" and flags & SYN:
                flow = self.flows.setdefault(ports, Flow(ports))
            elif flow and name == "s" and flags & (SYN | ACK) == SYN | ACK and flow.version is None:
                flow.version = struct.unpack(">H", payload[18:20])[0] if flags & 0x1000 else 1
                if self.lose_syn_ack:
                    return
        counts = flow.counts[name] if flow else None
        numbered = flow is not None and flow.numbered(payload)
        if counts:
            counts["datagrams"] += 1
            counts["numbered"] += numbered
        if direction.blocked or len(packet) > direction.biggest:
            if counts:
                counts["cut"] += numbered
            return
        if self.lose_syn_ack and flow and name == "s" and len(payload) >= 1132:
            return
        late = self.late if direction.random.random() < direction.late else 0
        if numbered:
            counts["late"] += late > 0
        copies = 1
        if direction.random.random() < direction.twice:
            copies = 2
            if numbered:
                counts["doubled"] += 1
        for _ in range(copies):
            self.first_half(name, packet, counts if numbered else {}, late)

    def first_half(self, name, packet, counts, late):
        """`counts` is None for what is not UDP, and empty for datagrams without a number."""
        if self.lost(name, 0, counts):
            return
        self.later(self.delay / 2 + late / 2, self.second_half, name, packet, counts, late)

    def second_half(self, name, packet, counts, late):
        other = "s" if name == "c" else "c"
        self.between.send(self.headers[other] + packet)
        if self.lost(name, 1, counts):
            return
        self.later(self.delay / 2 + late / 2, self.ports[other].send, self.headers[other] + packet)

    def lost(self, name, half, counts):
        if counts is None or not self.directions[name].lost(half, self.burst):
            return False
        if counts:
            counts["lost"] += 1
        return True

    def act(self, action):
        print(f"{time.monotonic():.6f} {action}", flush=True)
        verb, _, value = action.partition(":")
        verb, _, name = verb.partition("-")
        directions = [self.directions[name]] if name else list(self.directions.values())
        if verb == "run":
            subprocess.run(value, shell=True)
            return
        for direction in directions:
            if verb in ("drop", "pass"):
                direction.blocked = verb == "drop"
            elif verb == "big":
                direction.biggest = int(value)
            elif verb == "loss":
                direction.loss = float(value) / 100
            else:
                sys.exit("unknown action " + action)

    def end(self, *_):
        with open(self.truth, "w") as file:
            json.dump({"flows": [flow.told() for flow in self.flows.values()]}, file, indent=1)
            file.write("\n")
        sys.exit()


Path(*sys.argv[1:5], dict(rule.split("=", 1) for rule in sys.argv[5:])).loop()
