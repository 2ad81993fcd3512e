"""rewrite.py IN.pcap OUT.pcap vlan=ID [outer=ID]: put an 802.1Q tag (and an outer 802.1ad tag) into every Ethernet frame.
rewrite.py IN.pcap OUT.pcap twice=yes: every frame twice, 4 microseconds apart.
rewrite.py IN.pcap OUT.pcap lacks=N: without each Nth frame after the tenth, as a capture that could not keep up.

This kernel has no VLAN devices; a switch's mirror port would deliver the same bytes.
"""
import struct
import sys

source, target = sys.argv[1:3]
options = dict(item.split("=") for item in sys.argv[3:])
tags = b""
if "outer" in options:
    tags += struct.pack(">HH", 0x88A8, int(options["outer"]))
if "vlan" in options:
    tags += struct.pack(">HH", 0x8100, int(options["vlan"]))

with open(source, "rb") as reader, open(target, "wb") as writer:
    header = reader.read(24)
    assert struct.unpack("<I", header[:4])[0] in (0xA1B2C3D4, 0xA1B23C4D) and header[20] == 1, "Ethernet pcap wanted"
    writer.write(header)
    count = 0
    while record := reader.read(16):
        seconds, fraction, captured, length = struct.unpack("<IIII", record)
        frame = reader.read(captured)
        count += 1
        if count > 10 and count % int(options.get("lacks", count + 1)) == 0:
            continue
        for late in (0, 4) if "twice" in options else (0,):
            at = seconds * 1_000_000 + fraction + late
            when = divmod(at, 1_000_000) if late else (seconds, fraction)
            writer.write(struct.pack("<IIII", *when, captured + len(tags), length + len(tags)))
            writer.write(frame[:12] + tags + frame[12:])
