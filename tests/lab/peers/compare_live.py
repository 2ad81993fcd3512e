"""compare_live.py RDPWHY PLACE: PLACE.pcap* is tcpdump's file, PLACE.live what `rdpwhy live` said and saved meanwhile."""

import glob
import json
import subprocess
import sys

rdpwhy, place = sys.argv[1:]
wrong = []


def said(session):
    ends = [f'{session[end]["ip"]}:{session[end]["port"]}' for end in ("client", "server")]
    diagnosis = session["diagnosis"]
    return (*ends, diagnosis["code"], session["outcome"], session["phase"], diagnosis["confidence"])


def frames(files):
    fields = ["ip.id", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len"]
    found = []
    for file in files:
        command = ["tshark", "-r", file, "-Y", "tcp", "-T", "fields"]
        for field in fields:
            command += ["-e", field]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found += output.splitlines()
    return sorted(found)


captures = [file for file in glob.glob(place + ".pcap*") if ".expected." not in file]
file = json.loads(subprocess.run([rdpwhy, "analyze", "--format", "json", *captures], capture_output=True, check=True).stdout)
live, late = [], []
for line in open(place + ".live/lines"):
    stamp, line = line.split(" ", 1)
    line = json.loads(line)
    if "transport" not in line:
        continue
    live.append(line)
    end = subprocess.run(["date", "-d", line["end"], "+%s.%N"], capture_output=True, text=True, check=True).stdout
    if line["tcp"]["closed_by"]:
        late.append(float(stamp) - float(end))
if sorted(map(said, live)) != sorted(map(said, file["sessions"])):
    wrong.append(f'live {sorted(map(said, live))}\n  file {sorted(map(said, file["sessions"]))}')
if late and max(late) > 2:
    wrong.append(f"{max(late):.2f} s after the end")
saved, sent = frames(glob.glob(place + ".live/saved/*.pcapng")), frames(captures)
if saved != sent:
    wrong.append(f"{len(saved)} frames saved, {len(sent)} captured")
codes = " ".join(session["diagnosis"]["code"] for session in live)
soon = f"{max(late):.2f} s after the end" if late else "no end"
print(f'{"/".join(place.split("/")[-2:])}: {codes}, {soon}, {len(saved)} frames')
for what in wrong:
    print("  WRONG: " + what, file=sys.stderr)
sys.exit(bool(wrong))
