"""A TCP peer that plays steps from its command line, for what no program at hand can be made to do.

    peer.py listen PORT STEP...           (IPv4 and IPv6; every connection gets the same steps, one after the other)
    peer.py connect HOST PORT STEP...

Steps:
    send:HEX         bytes as they are          text:STRING      with \\r and \\n
    cr:PROTOCOLS     X.224 Connection Request with cookie "lab" and RDP_NEG_REQ
    cc:PROTOCOL      X.224 Connection Confirm that selects PROTOCOL
    failure:CODE     X.224 Connection Confirm with RDP_NEG_FAILURE
    recv             wait for some bytes        peek             the same, but leave them unread
    tls:KEY=VALUE,.. OpenSSL handshake; server: cert, key; client: ca (verify); both: min, max (1.2, 1.3), ciphers, curve,
                     alpn (this many protocols of 50 bytes, to make a long ClientHello)
    tls-part:KEY=..  the same, but only our first flight of it (client: ClientHello, server: ServerHello and what follows)
    tls-rest         client: read the server's answer to tls-part and send the second flight
    eof              read until the other end closes
    silent:SECONDS   do nothing
    fin / rst        close with FIN / with RST (SO_LINGER 0)
    half             shut down our sending side only
A failing TLS handshake sends OpenSSL's alert and goes on with the next step.
"""
import socket
import ssl
import struct
import sys
import time

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def x224(code, src, variable):
    tpdu = struct.pack(">BHHB", code, 0, src, 0) + variable
    return struct.pack(">BBHB", 3, 0, 5 + len(tpdu), len(tpdu)) + tpdu


def tls_context(server, text):
    options = dict(item.split("=", 1) for item in text.split(",") if item)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if server:
        context.load_cert_chain(options["cert"], options["key"])
    elif "ca" in options:
        context.load_verify_locations(options["ca"])
    else:
        context.verify_mode = ssl.CERT_NONE
    if "min" in options:
        context.minimum_version = VERSIONS[options["min"]]
    if "max" in options:
        context.maximum_version = VERSIONS[options["max"]]
    if "ciphers" in options:
        context.set_ciphers(options["ciphers"])
    if "curve" in options:
        context.set_ecdh_curve(options["curve"])
    if "alpn" in options:
        context.set_alpn_protocols(["%050d" % i for i in range(int(options["alpn"]))])
    return context


def tls_first_flight(sock, server, text):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine = tls_context(server, text).wrap_bio(incoming, outgoing, server_side=server)
    if server:
        incoming.write(sock.recv(65536))
    push_handshake(sock, engine, outgoing)
    return engine, incoming, outgoing


def push_handshake(sock, engine, outgoing):
    try:
        engine.do_handshake()
    except ssl.SSLWantReadError:
        pass
    sock.sendall(outgoing.read())


def play(sock, server, steps):
    for step in steps:
        verb, _, value = step.partition(":")
        print(step, flush=True)
        if verb == "send":
            sock.sendall(bytes.fromhex(value))
        elif verb == "text":
            sock.sendall(value.replace("\\r", "\r").replace("\\n", "\n").encode())
        elif verb == "cr":
            sock.sendall(x224(0xE0, 0, b"Cookie: mstshash=lab\r\n" + struct.pack("<BBHI", 1, 0, 8, int(value, 0))))
        elif verb == "cc":
            sock.sendall(x224(0xD0, 0x1234, struct.pack("<BBHI", 2, 0, 8, int(value, 0))))
        elif verb == "failure":
            sock.sendall(x224(0xD0, 0x1234, struct.pack("<BBHI", 3, 0, 8, int(value, 0))))
        elif verb == "recv":
            sock.recv(65536)
        elif verb == "peek":
            sock.recv(1, socket.MSG_PEEK)
        elif verb == "tls":
            try:
                sock = tls_context(server, value).wrap_socket(sock, server_side=server)
            except (ssl.SSLError, OSError) as error:
                print(error, flush=True)
                if sock.fileno() < 0:
                    return
        elif verb == "tls-part":
            engine, incoming, outgoing = tls_first_flight(sock, server, value)
        elif verb == "tls-rest":
            incoming.write(sock.recv(65536))
            push_handshake(sock, engine, outgoing)
        elif verb == "eof":
            try:
                while sock.recv(65536):
                    pass
            except OSError as error:
                print(error, flush=True)
        elif verb == "silent":
            time.sleep(float(value))
        elif verb == "half":
            sock.shutdown(socket.SHUT_WR)
        elif verb == "fin":
            sock.close()
            return
        elif verb == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return
        else:
            sys.exit("unknown step " + step)


if sys.argv[1] == "listen":
    listener = socket.create_server(("::", int(sys.argv[2])), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        connection, _ = listener.accept()
        try:
            play(connection, True, sys.argv[3:])
        except OSError as error:
            print(error, flush=True)
else:
    play(socket.create_connection((sys.argv[2], int(sys.argv[3]))), False, sys.argv[4:])
