"""Does what each line says, and says what came of it.

    open NAME HOST PORT  a connection that is called so
    send NAME COUNT      sends as many bytes over it, and has them echoed
    close NAME
    load SECONDS         everything to the host 45.33.7.1 and 2a0c:5::1 at once, again and again
"""

import errno
import socket
import sys
import threading
import time

PATIENCE = 4
# On a busy machine the way out itself may take seconds over IPv6, whatever the rules: silence is waited for
# there, and a refusal never is none.
LONG = 20
connections = {}


def connected(host, port, patience=PATIENCE):
    connection = socket.create_connection((host, int(port)), patience)
    while connection.recv(1) != b"\n":
        pass
    return connection


def send(connection, count):
    for start in range(0, count, 8192):
        part = b"x" * min(8192, count - start)
        connection.sendall(part)
        while part:
            heard = connection.recv(len(part))
            if not heard:
                raise ConnectionResetError(errno.ECONNRESET, "closed")
            part = part[len(heard) :]


def long_lived(host):
    connection = connected(host, 443, LONG)
    while True:
        send(connection, 1000)
        yield


def short_lived(host):
    while True:
        with connected(host, 443, LONG) as connection:
            send(connection, 100)
        yield


def datagrams(host):
    v6 = ":" in host
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(PATIENCE)
        server.connect((host, 443))
        while True:
            for again in range(LONG // PATIENCE):
                try:
                    server.send(b"x")
                    server.recv(10)
                    break
                except TimeoutError:
                    if not v6 or again == LONG // PATIENCE - 1:
                        raise
            yield


def load(seconds):
    end, came = time.monotonic() + seconds, []

    def repeat(kind, host):
        count = 0
        try:
            for count, _ in enumerate(kind(host)):
                if time.monotonic() > end:
                    break
            came.append("" if count else "nothing happened")
        except OSError as error:
            came.append(f"{kind.__name__} {host} after {count}: {error}")

    kinds = [(kind, host) for kind in (long_lived, short_lived, datagrams) for host in ("45.33.7.1", "2a0c:5::1")]
    threads = [threading.Thread(target=repeat, args=one) for one in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = "; ".join(filter(None, came))
    if lost:
        raise OSError(None, lost)


def act(what, *words):
    if what == "open":
        connections[words[0]] = connected(*words[1:])
    elif what == "send":
        send(connections[words[0]], int(words[1]))
    elif what == "close":
        connections.pop(words[0]).close()
    else:
        load(float(words[0]))


print("ready", flush=True)
for line in sys.stdin:
    try:
        act(*line.split())
        print("ok", flush=True)
    except OSError as error:
        print(errno.errorcode.get(error.errno or 0, str(error)), flush=True)
