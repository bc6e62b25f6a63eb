"""Tries what the words say, and prints a line for each.

    tcp:ADDRESS:PORT  udp:ADDRESS:PORT  who answers, or how it is refused
    ping:ADDRESS      whether it answers
    name:NAME         its addresses
"""

import errno
import os
import socket
import struct
import sys

PATIENCE = 4


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp(address, port):
    with socket.socket(family(address), socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect((address, int(port)))
        return connection.recv(100).decode().strip()


def udp(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect((address, int(port)))
        connection.send(b"who")
        return connection.recv(100).decode()


def ping(address):
    v6 = ":" in address
    protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    with socket.socket(family(address), socket.SOCK_DGRAM, protocol) as connection:
        connection.settimeout(PATIENCE / 4)
        connection.connect((address, 0))
        # As ping does: one may be lost while a way is found.
        for number in range(4):
            connection.send(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, number) + b"x" * 8)
            try:
                connection.recv(100)
                return "answers"
            except TimeoutError:
                pass
        return "nothing"


def addresses(name):
    found = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    return " ".join(sorted({one[4][0] for one in found}))


def tried(word):
    kind, rest = word.split(":", 1)
    try:
        if kind == "name":
            return addresses(rest)
        if kind == "ping":
            return ping(rest)
        address, port = rest.rsplit(":", 1)
        return {"tcp": tcp, "udp": udp}[kind](address, port)
    except socket.gaierror:
        return "no such name"
    except TimeoutError:
        return "nothing"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error)) if error.errno else os.strerror(0)


for each in sys.argv[1:]:
    print(f"{each} {tried(each)}", flush=True)
