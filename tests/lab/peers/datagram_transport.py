"""The transport of datagram_peer.py: RDP-UDP of version 1 and 2 after its handshake (MS-RDPEUDP 3.1). Ours, after the specification."""
import os
import struct
import time

SYN, ACK, DATA, FEC, CN, CWR = 0x1, 0x4, 0x8, 0x10, 0x20, 0x40
ACK_OF_ACKS, SYNLOSSY, ACKDELAYED, CORRELATION_ID, SYNEX = 0x100, 0x200, 0x400, 0x800, 0x1000
WINDOW = 64
LOST_AFTER = 3  # later datagrams acknowledged
TRIES = 5
LONGEST_VECTOR = 200  # elements


class Field:
    """GF(2^8), as 3.1.1.6 wants it: products by the powers of 2."""

    def __init__(self):
        self.power, self.log = [0] * 510, [0] * 256
        value = 1
        for exponent in range(255):
            self.power[exponent] = self.power[exponent + 255] = value
            self.log[value] = exponent
            value = value << 1 ^ (0x11D if value & 0x80 else 0)

    def times(self, factor, data):
        shift = self.log[factor]
        return bytes(self.power[self.log[byte] + shift] if byte else 0 for byte in data)

    def inverse(self, value):
        return self.power[255 - self.log[value]]


FIELD = Field()


def add(left, right):
    size = max(len(left), len(right))
    return (int.from_bytes(left.ljust(size, b"\0"), "big") ^ int.from_bytes(right.ljust(size, b"\0"), "big")).to_bytes(size, "big")


def prefixed(payload):
    return struct.pack(">H", len(payload)) + payload


class Transport:
    """One end of an RDP-UDP flow after the handshake. `send` puts a datagram on the wire, `deliver` gets each payload."""

    def __init__(self, options, version, lossy, isn, peer_isn, send, deliver):
        self.lossy, self.wire_send, self.deliver = lossy, send, deliver
        self.least_timeout, self.ack_delay = (0.5, 0.2) if version < 2 else (0.3, 0.05)
        self.keepalive = float(options.get("keepalive", 16))
        self.room = min(int(options.get("mtu", 1232)), 1232) - 8 - 44 - 4 - 8
        self.fec, self.group = int(options.get("fec", 0)), []
        # What we send
        self.source = self.coded = isn + 1
        self.waiting, self.flying = [], {}
        self.rtt = None
        self.since_ack_of_acks = 0
        self.answer_congestion = False
        # What comes
        self.base = peer_isn + 1
        self.highest = peer_isn
        self.got = {}
        self.next_in_order = peer_isn + 1
        self.kept_fec = []
        self.owed, self.ack_at = 0, None
        self.congested = False
        self.heard = self.spoke = time.monotonic()
        self.dead = None

    # --- sending ------------------------------------------------------------------------------

    def write(self, payload):
        if self.lossy:
            self.waiting.append(payload)
        else:
            self.waiting += [payload[at : at + self.room] for at in range(0, len(payload), self.room)]
        self.push()

    def push(self):
        while self.waiting and len(self.flying) < WINDOW:
            payload = self.waiting.pop(0)
            number, self.source = self.source, self.source + 1
            self.flying[number] = [payload, 0.0, 0, 0, 0]  # last sent, times, later ones acknowledged, its number as coded
            self.transmit(number)
            if self.fec:
                self.group.append((number, payload))
                if len(self.group) == self.fec:
                    self.transmit_fec()

    def transmit(self, number):
        entry = self.flying[number]
        entry[1], entry[2], entry[3], entry[4] = time.monotonic(), entry[2] + 1, 0, self.coded
        flags = DATA
        if self.answer_congestion:
            flags |= CWR
            self.answer_congestion = False
        self.put(flags, struct.pack(">II", self.coded & 0xFFFFFFFF, number & 0xFFFFFFFF) + entry[0])
        self.coded += 1

    def transmit_fec(self):
        first, last = self.group[0][0], self.group[-1][0]
        index = (last + 1) & 0xFF
        payload = b""
        for number, source in self.group:
            payload = add(payload, FIELD.times(FIELD.inverse(index ^ number & 0xFF), prefixed(source)))
        self.put(DATA | FEC, struct.pack(">IIBBH", self.coded & 0xFFFFFFFF, first & 0xFFFFFFFF, last - first, index, 0) + payload)
        self.coded += 1
        self.group = []

    def put(self, flags, rest):
        """Every datagram acknowledges."""
        flags |= ACK
        vector = self.vector()
        if self.congested:
            flags |= CN
        reset = b""
        self.since_ack_of_acks += 1
        if self.since_ack_of_acks >= 20:
            self.since_ack_of_acks = 0
            flags |= ACK_OF_ACKS
            reset = struct.pack(">I", min(self.flying, default=self.source) & 0xFFFFFFFF)
        head = struct.pack(">IHH", self.highest & 0xFFFFFFFF, WINDOW, flags)
        self.owed, self.ack_at = 0, None
        self.spoke = time.monotonic()
        self.wire_send(head + vector + reset + rest)

    def vector(self):
        """Newest run first; the length is one less than the count; what fills up to four bytes is not zero."""
        runs = []
        for number in range(self.highest, self.base - 1, -1):
            state = 0 if number in self.got else 3
            if runs and runs[-1][0] == state and runs[-1][1] < 64:
                runs[-1][1] += 1
            else:
                runs.append([state, 1])
        runs = runs[:LONGEST_VECTOR]
        vector = struct.pack(">H", len(runs)) + bytes(state << 6 | count - 1 for state, count in runs)
        return vector + os.urandom(-len(vector) % 4)

    def acknowledge(self, delayed):
        self.put(ACKDELAYED if delayed else 0, b"")

    # --- receiving ----------------------------------------------------------------------------

    def near(self, number, to):
        """The full number whose low 32 bits came, nearest to one that is known."""
        return to + ((number - to + 0x80000000) & 0xFFFFFFFF) - 0x80000000

    def receive(self, datagram):
        self.heard = time.monotonic()
        acked, _, flags = struct.unpack(">IHH", datagram[:8])
        if flags & SYN or not flags & ACK:
            return
        count = struct.unpack(">H", datagram[8:10])[0]
        at = 10 + count
        elements = datagram[10:at]
        at += -(at - 8) % 4
        if flags & CN and not self.answer_congestion:
            self.answer_congestion = True
        if flags & CWR:
            self.congested = False
        if flags & ACK_OF_ACKS:
            reset = self.near(struct.unpack(">I", datagram[at : at + 4])[0], self.highest)
            at += 4
            self.base = max(self.base, min(reset, self.highest + 1))
        self.acknowledged(acked, elements, flags & ACKDELAYED)
        if flags & FEC:
            self.receive_fec(datagram[at:])
        elif flags & DATA:
            number = self.near(struct.unpack(">I", datagram[at + 4 : at + 8])[0], self.highest)
            self.take(number, datagram[at + 8 :])
            self.owed += 1
            if self.owed >= 2:
                self.acknowledge(False)
            elif self.ack_at is None:
                self.ack_at = self.heard + self.ack_delay
        self.push()

    def acknowledged(self, acked, elements, delayed):
        position = self.near(acked, self.source)
        newest = None
        for element in elements:
            state, count = element >> 6, (element & 63) + 1
            for number in range(position, position - count, -1):
                entry = self.flying.pop(number, None) if state == 0 else None
                if entry:
                    newest = max(newest or 0, entry[4])
                    if entry[2] == 1 and not delayed:
                        sample = self.heard - entry[1]
                        self.rtt = sample if self.rtt is None else 0.875 * self.rtt + 0.125 * sample
            position -= count
        if newest is not None:
            for number in sorted(self.flying):
                # A second loss is the timer's business.
                if self.flying[number][4] < newest and self.flying[number][2] == 1:
                    self.flying[number][3] += 1
                    if self.flying[number][3] >= LOST_AFTER:
                        self.again(number)

    def again(self, number):
        if self.lossy:
            del self.flying[number]
        elif self.flying[number][2] > TRIES:
            self.dead = "no acknowledgement"
        else:
            self.transmit(number)

    def take(self, number, payload):
        if number in self.got or number < self.next_in_order - 4 * WINDOW:
            return
        if number > self.highest + 1:
            self.congested = True
        self.highest = max(self.highest, number)
        self.got[number] = payload
        if self.lossy:
            self.deliver(payload)
        while self.next_in_order in self.got:
            if not self.lossy:
                self.deliver(self.got[self.next_in_order])
            self.next_in_order += 1
        self.next_in_order = max(self.next_in_order, self.highest - 2 * WINDOW) if self.lossy else self.next_in_order
        for old in [old for old in self.got if old < min(self.base, self.next_in_order) - 4 * WINDOW]:
            del self.got[old]
        for fec in self.kept_fec[:]:
            self.repair(*fec)

    def receive_fec(self, rest):
        _, first, span, index, _ = struct.unpack(">IIBBH", rest[:12])
        first = self.near(first, self.highest)
        self.kept_fec = self.kept_fec[-7:] + [(first, span, index, rest[12:])]
        self.repair(*self.kept_fec[-1])

    def repair(self, first, span, index, payload):
        numbers = range(first, first + span + 1)
        missing = [number for number in numbers if number not in self.got]
        if len(missing) != 1 or missing[0] < self.base:
            return
        self.kept_fec.remove((first, span, index, payload))
        for number in numbers:
            if number != missing[0]:
                payload = add(payload, FIELD.times(FIELD.inverse(index ^ number & 0xFF), prefixed(self.got[number])))
        payload = FIELD.times(index ^ missing[0] & 0xFF, payload)
        size = struct.unpack(">H", payload[:2])[0]
        self.take(missing[0], payload[2 : 2 + size])

    # --- time ---------------------------------------------------------------------------------

    def timeout(self):
        return max(self.least_timeout, 2 * (self.rtt or 0))

    def tick(self):
        now = time.monotonic()
        for number, entry in sorted(self.flying.items()):
            if now - entry[1] >= self.timeout() * (1 if self.lossy else 2 ** (entry[2] - 1)):
                self.again(number)
        if self.ack_at and now >= self.ack_at:
            self.acknowledge(True)
        if now - self.spoke >= self.keepalive:
            self.acknowledge(False)
        if now - self.heard > 65:
            self.dead = "nothing heard for 65 s"
        self.push()
