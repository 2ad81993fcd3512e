"""noise.py KIND listen PORT | noise.py KIND connect HOST PORT [COUNT]: datagrams that are not RDP-UDP, for captures in which nothing is to be found.

KIND: rtp (voice, 50 a second), vxlan, wireguard (handshake, then data), ntp, sip, source (a game server's answers to a real query),
random (random bytes of random length), almost (random bytes behind what an RDP-UDP SYN starts with), ones (bytes of value 255)
The client sends COUNT (40); the server answers each.
"""
import os
import random
import socket
import struct
import sys
import time

RANDOM = random.Random(3389)


def rtp(number, answer):
    return struct.pack(">BBHII", 0x80, 0, 1000 + number, 160 * number, 0xC0FFEE + answer) + os.urandom(160)


def vxlan(number, answer):
    ethernet = bytes.fromhex("020000000001020000000002" if answer else "020000000002020000000001") + b"\x08\x00"
    inner = bytes.fromhex("4500005400004000400100000a0000010a000002") + struct.pack(">BBHHH", 0 if answer else 8, 0, 0, 7, number) + bytes(56)
    return struct.pack(">II", 0x08000000, 77 << 8) + ethernet + inner


def wireguard(number, answer):
    if number == 0:
        return struct.pack("<I", 2 if answer else 1) + os.urandom(88 if answer else 144)
    return struct.pack("<IIQ", 4, 0x1234 + answer, number) + os.urandom(16 * RANDOM.randint(2, 60))


def ntp(number, answer):
    head = struct.pack(">BBbbII", 0x24 if answer else 0x23, 2 if answer else 0, 6, -20, 0, 0)
    return head + b"LOCL" + os.urandom(32)


def sip(number, answer):
    first = "SIP/2.0 200 OK" if answer else "OPTIONS sip:lab@10.77.2.20 SIP/2.0"
    return f"{first}\r\nVia: SIP/2.0/UDP 10.77.1.10;branch=z9hG4bK{number}\r\nCSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n".encode()


def source(number, answer):
    if not answer:
        return b"\xff\xff\xff\xffTSource Engine Query\0"
    return b"\xff\xff\xff\xffI\x11the lab\0de_dust\0cstrike\0Counter-Strike\0" + struct.pack("<HBBBccBB", 240, 3, 24, 0, b"d", b"l", 0, 1) + b"1.0.0\0"


def chance(number, answer):
    return os.urandom(RANDOM.randint(8, 1232))


def almost(number, answer):
    return b"\xff\xff\xff\xff\x00\x40" + bytes([RANDOM.choice((0x18, 0x1A)), 1]) + os.urandom(1224)


def ones(number, answer):
    return b"\xff" * 1232


KINDS = {"rtp": rtp, "vxlan": vxlan, "wireguard": wireguard, "ntp": ntp, "sip": sip, "source": source, "random": chance, "almost": almost, "ones": ones}
make = KINDS[sys.argv[1]]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[2] == "listen":
    sock.bind(("", int(sys.argv[3])))
    number = 0
    while True:
        _, client = sock.recvfrom(65535)
        sock.sendto(make(number, True), client)
        number += 1
sock.connect((sys.argv[3], int(sys.argv[4])))
for number in range(int(sys.argv[5]) if len(sys.argv) > 5 else 40):
    sock.send(make(number, False))
    time.sleep(0.02)
time.sleep(0.3)
