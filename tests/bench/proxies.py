"""Arkose's D-Bus proxy next to xdg-dbus-proxy, in one run, in turns: `bench.py dbus`.

Both stand before the same bus with the same rules; the load is made by `arkose-bus`, a program of the
tests. What is added by a proxy is what a call takes less what it takes without one.
"""

import os
import socket
import statistics
import subprocess
import tempfile
import time

ROUNDS = 7
MILLISECONDS = "1500"
MEBIBYTES = "64"
NAME = "ex.Talk"
RULES = [f"--talk={NAME}", "--talk=ex.Other.*", "--see=ex.See", "--own=ex.Mine"]
PROGRAMS = {"xdg-dbus-proxy": "xdg-dbus-proxy", "arkose-dbus-proxy": "arkose-dbus-proxy"}

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen>
<policy context="default"><allow send_destination="*"/><allow receive_type="signal"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
<allow own="*"/></policy>
<limit name="max_message_size">1000000000</limit><limit name="max_incoming_bytes">1000000000</limit>
<limit name="max_outgoing_bytes">1000000000</limit></busconfig>
"""


class Proxy:
    """One before a bus; `started` is the milliseconds until it listened."""

    def __init__(self, program, address, path):
        ours, theirs = socket.socketpair()
        begin = time.perf_counter()
        words = [program, "--fd=0", address, path, "--filter", *RULES]
        self.process = subprocess.Popen(words, stdin=theirs)
        theirs.close()
        if not ours.recv(1):
            raise SystemExit(f"bench: {program} does not listen")
        self.started = (time.perf_counter() - begin) * 1000
        self.alive, self.path = ours, path

    def memory(self):
        """What it holds, in KiB: its own share, and what nobody shares with it."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="utf-8") as file:
            sizes = dict(line.split()[:2] for line in file.readlines()[1:])
        return int(sizes["Pss:"]), int(sizes["Private_Clean:"]) + int(sizes["Private_Dirty:"])

    def end(self):
        self.alive.close()
        self.process.wait(timeout=10)


def load(*words):
    said = subprocess.run(["arkose-bus", *words], stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return [float(word) for word in said.stdout.split()]


def median(numbers):
    return statistics.median(numbers)


def row(title, values, unit, budget=None, more_is_better=False):
    """A line for each contender, with its ratio to the peer."""
    print(title)
    reference = values.get("xdg-dbus-proxy")
    for name, value in values.items():
        ratio = f"{value / reference:8.2f} ×" if reference and name != "no proxy" else ""
        limit = ""
        if budget and name == "arkose-dbus-proxy":
            limit = f"  budget {'≥' if more_is_better else '≤'} {budget:.1f}"
        print(f"    {name:<24}{value:10.1f} {unit}{ratio}{limit}", flush=True)


def start_up(address, scratch):
    taken = {name: [] for name in PROGRAMS}
    for number in range(21):
        for name, program in PROGRAMS.items():
            proxy = Proxy(program, address, os.path.join(scratch, f"{name}-{number}"))
            taken[name].append(proxy.started)
            proxy.end()
    row("from start to listening", {name: median(times) for name, times in taken.items()}, "ms")


def speed(places):
    """Calls per second and what a call takes, in turns."""
    for clients in (1, 16):
        seen = {name: [] for name in places}
        for _ in range(ROUNDS):
            for name, path in places.items():
                seen[name].append(load("calls", path, NAME, str(clients), MILLISECONDS))
        rates = {name: median(one[0] for one in all) for name, all in seen.items()}
        row(f"calls per second, {clients} client{'s' * (clients > 1)}", rates, "/s", 1.2, True)
        if clients > 1:
            continue
        for place, percent in ((1, 50), (2, 99)):
            direct = median(one[place] for one in seen["no proxy"])
            added = {name: median(one[place] for one in seen[name]) - direct for name in PROGRAMS}
            row(f"added to a call, {percent}th percentile", added, "µs", 0.8)


def throughput(places):
    seen = {name: [] for name in places}
    for _ in range(ROUNDS):
        for name, path in places.items():
            seen[name] += load("body", path, NAME, MEBIBYTES)
    row(f"a body of {MEBIBYTES} MiB", {name: median(all) for name, all in seen.items()}, "MiB/s")


def memory(proxies, when):
    for number, what in enumerate(("proportional share", "of its own")):
        sizes = {name: float(proxy.memory()[number]) for name, proxy in proxies.items()}
        row(f"memory {when}, {what}", sizes, "KiB")


def bench():
    with tempfile.TemporaryDirectory(dir=os.environ["HOME"]) as scratch:
        path, config = os.path.join(scratch, "bus"), os.path.join(scratch, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(path=path))
        words = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"]
        daemon = subprocess.Popen(words, stdout=subprocess.PIPE)
        daemon.stdout.readline()
        service = subprocess.Popen(["arkose-bus", "serve", path, NAME], stdout=subprocess.PIPE)
        proxies = {}
        try:
            service.stdout.readline()
            address = f"unix:path={path}"
            for name, program in PROGRAMS.items():
                proxies[name] = Proxy(program, address, os.path.join(scratch, name))
            start_up(address, scratch)
            memory(proxies, "before the first client")
            places = {"no proxy": path} | {name: proxy.path for name, proxy in proxies.items()}
            speed(places)
            memory(proxies, "after all those calls")
            throughput(places)
            memory(proxies, "after large bodies")
        finally:
            for proxy in proxies.values():
                proxy.end()
            for process in (service, daemon):
                process.terminate()
                process.wait()
                process.stdout.close()
