"""The servers of a small world: `world.py outside` has all of them but those of the app's own computer,
which are `world.py here`, and on its bridge `world.py bridge`.

A server says who it is to whoever connects or sends, and echoes what it hears; the one for names answers
for the zone below. It ends with its input.
"""

import socket
import struct
import sys
import threading

PORTS = (80, 443, 853, 8000)
V4 = ("45.33.7.1", "45.33.7.2", "45.33.7.3", "10.9.8.7", "192.168.77.1", "100.100.0.1")
V6 = ("2a0c:5::1", "2a0c:5::2", "fd12:3456::1")
NAMESERVER = "45.33.7.53"
ZONE = {
    "good.example": ["45.33.7.1", "2a0c:5::1"],
    "www.good.example": ["good.example"],
    "api.good.example": ["45.33.7.3"],
    "two.example": ["45.33.7.1", "45.33.7.3"],
    "shop.co.uk": ["45.33.7.1"],
    "co.uk": ["45.33.7.2"],
    "other.example": ["45.33.7.2", "2a0c:5::2"],
    "rebinding.example": ["10.9.8.7", "fd12:3456::1"],
    "both.example": ["45.33.7.1", "192.168.77.1"],
    "here.example": ["100.100.0.2"],
}


def thread(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def echo(connection, who):
    try:
        connection.sendall(f"{who}\n".encode())
        while data := connection.recv(65536):
            connection.sendall(data)
    except OSError:
        pass
    connection.close()


def streams(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, backlog=64)

    def serve():
        while True:
            connection, _ = listener.accept()
            thread(echo, connection, f"{address} {port}")

    thread(serve)


def packets(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, port))

    def serve():
        while True:
            data, peer = server.recvfrom(65536)
            server.sendto(f"{address} {port}".encode() if data == b"who" else data, peer)

    thread(serve)


def name(labels):
    return b"".join(bytes([len(label)]) + label.encode() for label in labels.split(".")) + b"\0"


def records(asked, kind):
    """The records for a question: what it is an alias of, and addresses."""
    found = []
    for value in ZONE.get(asked, []):
        if value in ZONE:
            target = name(value)
            found.append(name(asked) + struct.pack(">HHIH", 5, 1, 60, len(target)) + target)
            found += records(value, kind)
        elif (kind == 28) == (":" in value):
            family = socket.AF_INET6 if ":" in value else socket.AF_INET
            data = socket.inet_pton(family, value)
            found.append(name(asked) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data)
    return found


def answer(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
    asked = ".".join(labels)
    found = records(asked, kind) if kind in (1, 28) else []
    flags = 0x8180 if asked in ZONE else 0x8183
    header = query[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
    return header + query[12 : at + 5] + b"".join(found)


def names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAMESERVER, 53))

    def serve():
        while True:
            query, peer = server.recvfrom(4096)
            server.sendto(answer(query), peer)

    thread(serve)


if sys.argv[1] == "here":
    for place in ("127.0.0.1", "100.100.0.2", "10.77.0.1", "::1", "2a0b:1::2"):
        streams(place, 8080)
        streams(place, 8081)
elif sys.argv[1] == "bridge":
    for place in ("192.168.5.100", "fd00:5::100"):
        streams(place, 8080)
else:
    for place in (*V4, *V6):
        for number in PORTS:
            streams(place, number)
            packets(place, number)
    names()
print("ready", flush=True)
sys.stdin.read()
