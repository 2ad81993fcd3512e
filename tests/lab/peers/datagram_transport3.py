"""The transport of datagram_peer.py for version 3 (MS-RDPEUDP2), with what IronRDP's does not do and Windows does: dummy packets, no
third datagram in the handshake, DELAYACKINFO and OVERHEADSIZE at the start. Ours, after the specification."""
import struct
import time

ACK, DATA, ACKVEC, AOA, OVERHEAD, DELAYACK = 0x1, 0x4, 0x8, 0x10, 0x40, 0x100
DUMMY = 8
LOG_WINDOW = 6
LOST_AFTER, TRIES = 3, 5
DELAYED_ACKS, ACK_TIMEOUT = 4, 0.03


def short(number):
    return struct.pack("<H", number & 0xFFFF)


def stamp(seconds):
    return struct.pack("<I", int(seconds * 250000) & 0xFFFFFF)[:3]


class Sent:
    def __init__(self, channel, payload, tries):
        self.channel, self.payload, self.tries = channel, payload, tries
        self.time, self.passed = time.monotonic(), 0


class Transport3:
    """The same face as datagram_transport.Transport."""

    def __init__(self, options, send, deliver):
        self.wire_send, self.deliver = send, deliver
        self.keepalive = float(options.get("keepalive", 4))
        self.dummy_every, self.since_dummy = int(options.get("dummy", 0)), 0
        self.room = 1150
        # What we send
        self.next, self.next_channel = 100, 1
        self.waiting, self.flying = [], {}
        self.rtt = None
        self.first = True
        # What comes
        self.base = self.highest = None
        self.got, self.times = set(), {}
        self.channels, self.next_delivered = {}, 1
        self.owed, self.ack_at = 0, None
        self.heard = self.spoke = time.monotonic()
        self.dead = None

    # --- sending ------------------------------------------------------------------------------

    def write(self, payload):
        self.waiting += [payload[at : at + self.room] for at in range(0, len(payload), self.room)]
        self.push()

    def push(self):
        while self.waiting and len(self.flying) < 1 << LOG_WINDOW:
            self.transmit(Sent(self.next_channel, self.waiting.pop(0), 1))
            self.next_channel += 1
            self.since_dummy += 1
            if self.dummy_every and self.since_dummy >= self.dummy_every:
                self.since_dummy = 0
                self.transmit(Sent(None, bytes(1000), 1))

    def transmit(self, sent):
        sent.time, sent.passed = time.monotonic(), 0
        number, self.next = self.next, self.next + 1
        self.flying[number] = sent
        body = sent.payload if sent.channel is None else short(sent.channel) + sent.payload
        self.put(number, body, 0 if sent.channel else DUMMY)

    def put(self, number=None, body=b"", kind=0):
        flags, parts, vector = 0, b"", b""
        if self.owed or number is None and self.highest is not None:
            if all(known in self.got for known in range(self.base, self.highest + 1)):
                flags |= ACK
                parts += self.acknowledgement()
            else:
                flags |= ACKVEC
                vector = self.vector()
            self.owed, self.ack_at = 0, None
        if self.first:
            flags |= OVERHEAD | DELAYACK
            parts += b"\x0a" + struct.pack("<BH", DELAYED_ACKS, int(ACK_TIMEOUT * 1000))
            self.first = False
        if number is not None:
            flags |= DATA | AOA
            parts += short(min(self.flying, default=number)) + short(number)
        packet = struct.pack("<H", flags | LOG_WINDOW << 12) + parts + vector + body
        prefix = kind << 1 | min(len(packet), 7) << 5
        wire = bytearray(bytes([prefix]) + packet.ljust(7, b"\0"))
        wire[0], wire[7] = wire[7], wire[0]
        self.spoke = time.monotonic()
        self.wire_send(bytes(wire))

    def acknowledgement(self):
        now = time.monotonic()
        latest = self.times.get(self.highest, now)
        before, at = [], latest
        for number in range(self.highest - 1, max(self.base, self.highest - 16) - 1, -1):
            then = self.times.get(number, at)
            before.append(min(255, max(0, int((at - then) * 1e6)) >> 7))
            at = then
        before = before[:15]
        gap = min(254, int((now - latest) * 1000))
        return short(self.highest) + stamp(latest) + bytes([gap, len(before) | 7 << 4]) + bytes(before)

    def vector(self):
        """Runs where they are long, maps of seven where they are not."""
        now = time.monotonic()
        states = [number in self.got for number in range(self.base, self.highest + 1)]
        coded, at = b"", 0
        while at < len(states) and len(coded) < 120:
            run = 1
            while at + run < len(states) and states[at + run] == states[at] and run < 63:
                run += 1
            if run >= 7:
                coded += bytes([0x80 | states[at] << 6 | run])
                at += run
            else:
                coded += bytes([sum(state << bit for bit, state in enumerate(states[at : at + 7]))])
                at += 7
        latest = self.times.get(self.highest, now)
        return short(self.base) + bytes([0x80 | len(coded)]) + stamp(latest) + bytes([min(254, int((now - latest) * 1000))]) + coded

    def acknowledge(self, delayed):
        self.put()

    # --- receiving ----------------------------------------------------------------------------

    def near(self, number, to):
        return to + ((number - to + 0x8000) & 0xFFFF) - 0x8000

    def receive(self, datagram):
        self.heard = time.monotonic()
        packet = bytearray(datagram)
        packet[0], packet[7] = packet[7], packet[0]
        dummy = packet[0] >> 1 & 15 == DUMMY
        flags = struct.unpack("<H", packet[1:3])[0] & 0xFFF
        at = 3
        if flags & ACK:
            number, count = struct.unpack("<H", packet[at : at + 2])[0], packet[at + 6] & 15
            number = self.near(number, self.next)
            self.acknowledged(range(number - count, number + 1), number)
            at += 7 + count
        at += (1 if flags & OVERHEAD else 0) + (3 if flags & DELAYACK else 0)
        if flags & AOA:
            if self.base is None:
                self.base, self.highest = 100, 99
            self.base = max(self.base, min(self.near(struct.unpack("<H", packet[at : at + 2])[0], self.base), self.highest + 1))
            at += 2
        if flags & DATA:
            if self.base is None:
                self.base, self.highest = 100, 99
            number = self.near(struct.unpack("<H", packet[at : at + 2])[0], self.highest)
            at += 2
        if flags & ACKVEC:
            base, size = struct.unpack("<H", packet[at : at + 2])[0], packet[at + 2]
            at += 3 + (4 if size & 0x80 else 0)
            self.read_vector(self.near(base, self.next), packet[at : at + (size & 127)])
            at += size & 127
        if flags & DATA:
            self.take(number, None if dummy else bytes(packet[at:]))
        self.push()

    def read_vector(self, at, coded):
        received = []
        for byte in coded:
            if byte & 0x80:
                if byte & 0x40:
                    received += range(at, at + (byte & 63))
                at += byte & 63
            else:
                received += [at + bit for bit in range(7) if byte >> bit & 1]
                at += 7
        self.acknowledged(received, None)

    def acknowledged(self, numbers, timed):
        found = [number for number in numbers if number in self.flying]
        if timed in self.flying:
            sample = self.heard - self.flying[timed].time
            self.rtt = sample if self.rtt is None else 0.875 * self.rtt + 0.125 * sample
        for number in found:
            del self.flying[number]
        for number in sorted(self.flying):
            # A second loss is the timer's business.
            if found and number < max(found) and self.flying[number].tries == 1:
                self.flying[number].passed += 1
                if self.flying[number].passed >= LOST_AFTER:
                    self.again(number)

    def again(self, number):
        sent = self.flying.pop(number)
        if sent.channel is None:
            return
        if sent.tries > TRIES:
            self.dead = "no acknowledgement"
            return
        sent.tries += 1
        self.transmit(sent)

    def take(self, number, body):
        fresh = number not in self.got
        if fresh:
            self.got.add(number)
            self.times[number] = self.heard
            self.highest = max(self.highest, number)
            self.got = {known for known in self.got if known >= self.base - 300}
            self.times = {known: at for known, at in self.times.items() if known >= self.highest - 20}
        self.owed += 1
        if body is not None:
            channel = self.near(struct.unpack("<H", body[:2])[0], self.next_delivered)
            if channel >= self.next_delivered:
                self.channels[channel] = body[2:]
            while self.next_delivered in self.channels:
                self.deliver(self.channels.pop(self.next_delivered))
                self.next_delivered += 1
        if self.owed >= DELAYED_ACKS:
            self.put()
        elif self.owed and self.ack_at is None:
            self.ack_at = self.heard + ACK_TIMEOUT

    # --- time ---------------------------------------------------------------------------------

    def tick(self):
        now = time.monotonic()
        for number in sorted(self.flying):
            sent = self.flying[number]
            if now - sent.time >= max(0.3, 2 * (self.rtt or 0)) * 2 ** (sent.tries - 1):
                self.again(number)
        if self.ack_at and now >= self.ack_at or now - self.spoke >= self.keepalive:
            self.put()
        if now - self.heard > 65:
            self.dead = "nothing heard for 65 s"
        self.push()
