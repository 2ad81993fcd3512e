#!/usr/bin/env python3
"""Makes src/layers/vectors/keyed.txt anew: what OpenSSL's client and server say to each other on loopback under each
cipher suite, with the client's key log. A line each: "== name", key log lines, "c HEX" and "s HEX" as the bytes passed.

Usage: tls_vectors.py OUTPUT
"""
import os, select, socket, subprocess, sys, tempfile, time

SUITES = [
    ("tls10-aes128-cbc-sha", "-tls1", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", None),
    ("tls11-aes256-cbc-sha", "-tls1_1", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0", None),
    ("tls12-aes128-cbc-sha256", "-tls1_2", "ECDHE-ECDSA-AES128-SHA256", None),
    ("tls12-aes256-cbc-sha384", "-tls1_2", "ECDHE-ECDSA-AES256-SHA384", None),
    ("tls12-aes128-cbc-sha256-mac-then-encrypt", "-tls1_2", "ECDHE-ECDSA-AES128-SHA256", "no-etm"),
    ("tls12-aes128-gcm", "-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256", None),
    ("tls12-aes256-gcm", "-tls1_2", "ECDHE-ECDSA-AES256-GCM-SHA384", None),
    ("tls12-aes128-ccm", "-tls1_2", "ECDHE-ECDSA-AES128-CCM", None),
    ("tls12-aes256-ccm8", "-tls1_2", "ECDHE-ECDSA-AES256-CCM8:@SECLEVEL=0", None),
    ("tls12-chacha20", "-tls1_2", "ECDHE-ECDSA-CHACHA20-POLY1305", None),
    ("tls13-aes128-gcm", "-tls1_3", "TLS_AES_128_GCM_SHA256", None),
    ("tls13-aes256-gcm", "-tls1_3", "TLS_AES_256_GCM_SHA384", "key-update"),
    ("tls13-chacha20", "-tls1_3", "TLS_CHACHA20_POLY1305_SHA256", None),
    ("tls13-aes128-ccm", "-tls1_3", "TLS_AES_128_CCM_SHA256", None),
    ("dtls10-aes128-cbc-sha", "-dtls1", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", None),
    ("dtls12-aes256-cbc-sha384", "-dtls1_2", "ECDHE-ECDSA-AES256-SHA384", None),
    ("dtls12-aes128-gcm", "-dtls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256", None),
    ("dtls12-chacha20", "-dtls1_2", "ECDHE-ECDSA-CHACHA20-POLY1305", None),
]
CONF = "openssl_conf = d\n[d]\nssl_conf = s\n[s]\nsystem_default = x\n[x]\nMinProtocol = None\nOptions = %s\n"


def relay(listener, port, pieces):
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    names = {client: ("c", server), server: ("s", client)}
    while names:
        for end in select.select(list(names), [], [], 10)[0]:
            name, other = names[end]
            data = end.recv(65536)
            if not data:
                del names[end]
                try:
                    other.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                continue
            pieces.append((name, data))
            other.sendall(data)


def relay_datagrams(listener, port, pieces):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.connect(("127.0.0.1", port))
    client = None
    while True:
        ready = select.select([listener, server], [], [], 3)[0]
        if not ready:
            return
        for end in ready:
            if end is listener:
                data, client = listener.recvfrom(65536)
                pieces.append(("c", data))
                server.send(data)
            else:
                data = server.recv(65536)
                pieces.append(("s", data))
                listener.sendto(data, client)


def run(folder, name, version, suite, special):
    conf = os.path.join(folder, "openssl.cnf")
    with open(conf, "w") as file:
        file.write(CONF % ("-EncryptThenMac" if special == "no-etm" else ""))
    env = dict(os.environ, OPENSSL_CONF=conf)
    option = ["-ciphersuites", suite] if version == "-tls1_3" else ["-cipher", suite]
    datagrams = version.startswith("-dtls")
    if datagrams:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
    else:
        listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{folder}/cert.pem", "-key", f"{folder}/key.pem",
         version, *option, *([] if datagrams else ["-rev"]), "-naccept", "1"], env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    log = os.path.join(folder, "keys")
    if os.path.exists(log):
        os.remove(log)
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-keylogfile", log, version, *option],
        env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pieces = []
    child = __import__("threading").Thread(target=relay_datagrams if datagrams else relay, args=(listener, port, pieces))
    child.start()
    time.sleep(0.7)
    for line in [b"ping one\n"] + ([b"K\n", b"ping two\n"] if special == "key-update" else []) + [b"Q\n"]:
        client.stdin.write(line)
        client.stdin.flush()
        time.sleep(0.4)
        if datagrams and line.startswith(b"ping"):
            server.stdin.write(line.strip()[::-1] + b"\n")
            server.stdin.flush()
            time.sleep(0.4)
    client.wait(5)
    server.terminate()
    server.wait(5)
    child.join(10)
    keys = [line for line in open(log).read().splitlines() if line and not line.startswith("#")]
    return [f"== {name}", *keys, *(f"{who} {data.hex()}" for who, data in pieces)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj", "/CN=vectors", "-days", "3650"],
                       check=True, stderr=subprocess.DEVNULL)
        lines = [line for suite in SUITES for line in run(folder, *suite)]
    with open(sys.argv[1], "w") as out:
        out.write("# Made by tests/lab/peers/tls_vectors.py with %s.\n" %
                  subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip())
        out.write("\n".join(lines) + "\n")


main()
