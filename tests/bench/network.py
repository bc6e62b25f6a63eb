#!/usr/bin/python3
"""Filtered networks next to the same uplink without rules, and to firejail's filter on a bridge, in one
run, in turns: `network.py USER`, as root, which `./dev bench network` starts.

Everything happens in network namespaces of its own: one is the computer on which sandboxes are launched
as USER, the other has the servers. Nothing is sent beyond them, and they end with this program. A sandbox
has no rules and lets everything through, or so many rules, of which only the last one that is looked at
is about the server.
"""

import contextlib
import json
import os
import platform
import pwd
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PORT, SPEED_PORT = "7000", "5201"
SERVERS = {"v4": "45.33.7.1", "v6": "2a0c:5::1"}
NAMESERVER, FORWARDER = "45.33.7.53", "198.18.0.53"
COUNTS = (0, 100, 10_000)
MOST = COUNTS[-1]
PATIENCE = 20
# A sandbox has a PATH of its own.
LOAD = shutil.which("arkose-load")

# Many short ones: what else the machine does, and where a stream stands still, is then not in the middle.
ROUNDS, LAUNCHES = 9, 20
BYTES = "128M"
# What a launch leaves to do, and the longest that a short measurement takes unless the uplink stands still.
SETTLED, LONGEST = "0.3", "2"
# In larger packets, a stream to the server stands still in pasta now and then, until it sends again.
SEGMENT = "1400"
CONNECTIONS, THREADS = "1200", "4"
LOOKUPS = "800"

HERE = """
ip link set lo up
ip link add up0 type veth peer name up1 netns "$1"
ip link add br0 type bridge
ip link add up2 type veth peer name up3 netns "$1"
ip link set up2 master br0
ip addr add 100.100.0.2/24 dev up0
ip addr add 2a0b:1::2/64 dev up0 nodad
ip addr add 100.101.0.2/24 dev br0
for one in up0 up2 br0; do ip link set $one up; done
# Many connections, one soon after the other, to the same place.
sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1
"""
OUTSIDE = """
ip link set lo up
ip addr add 100.100.0.1/24 dev up1
ip addr add 2a0b:1::1/64 dev up1 nodad
ip addr add 100.101.0.1/24 dev up3
for one in up1 up3; do ip link set $one up; done
for one in 45.33.7.1 45.33.7.53; do ip addr add $one/32 dev lo; done
ip addr add 2a0c:5::1/128 dev lo nodad
# No more is on its way than what the uplink's own sockets hold.
sysctl -qw net.ipv4.tcp_rmem='4096 131072 524288'
"""
ROUTES = """
ip route add default via 100.100.0.1
ip -6 route add default via 2a0b:1::1
"""


def root(words, **options):
    return subprocess.run(words, check=True, timeout=PATIENCE, **options)


class Held:
    """A program that says “ready”, and ends when its input does, as it does with this one."""

    def __init__(self, words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if "ready" not in self.process.stdout.readline():
            raise SystemExit(f"bench: {shlex.join(words)} does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def in_namespace(pid, words):
    return ["nsenter", f"--net=/proc/{pid}/ns/net", *words]


@contextlib.contextmanager
def world():
    """This program's own namespace becomes the computer, and there is another one with servers."""
    with contextlib.ExitStack() as stack:
        outside = stack.enter_context(Held(["unshare", "--net", "sh", "-c", "echo ready; exec cat"]))
        pid = str(outside.process.pid)
        root(["sh", "-ec", HERE, "sh", pid])
        root(in_namespace(pid, ["sh", "-ec", OUTSIDE]))
        root(["sh", "-ec", ROUTES])
        servers = [LOAD, "serve", PORT, NAMESERVER, *SERVERS.values()]
        stack.enter_context(Held(in_namespace(pid, servers)))
        words = ["setpriv", "--pdeathsig", "KILL", "iperf3", "--server", "--port", SPEED_PORT]
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        speed = subprocess.Popen(in_namespace(pid, words), **nothing)
        stack.callback(speed.wait)
        stack.callback(speed.kill)
        yield


class Failed(Exception):
    """A command has, and why."""


class User:
    """Whom commands are started as, and where that user's files are."""

    def __init__(self, name):
        entry = pwd.getpwnam(name)
        variables = ("PATH", "ARKOSE_PROFILES", "LANG")
        self.env = {key: os.environ[key] for key in variables if key in os.environ}
        self.env |= {"HOME": entry.pw_dir, "USER": name, "LOGNAME": name}
        self.env["XDG_RUNTIME_DIR"] = f"/run/user/{entry.pw_uid}"
        self.rights = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [entry.pw_gid]}
        self.home = entry.pw_dir

    def start(self, words, is_root=False):
        rights = {} if is_root else self.rights
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, text=True, cwd=self.home, env=self.env, **pipes, **rights)


class Contender:
    """A way to a network, and what is before the command in it."""

    def __init__(self, name, words, is_root=False):
        self.name, self.words, self.is_root = name, words, is_root

    def run(self, user, command):
        """What the command says."""
        words = [*self.words, *command]
        process = user.start(words, self.is_root)
        try:
            said, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            # What it has started may go on, and holds the pipes.
            process.kill()
            process.wait()
            raise Failed(f"{shlex.join(words)}: not in time") from None
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise Failed(f"{shlex.join(words)}:\n{said}{errors}")
        return said


def pasta(*options):
    """With the same options that a sandbox starts it with."""
    words = ["pasta", "--quiet", "--config-net", "--ns-ifname", "net0", "--tcp-ports", "none", "--udp-ports"]
    words += ["none", "--tcp-ns", "none", "--udp-ns", "none", "--no-map-gw", *options, "--"]
    return Contender(" ".join(("pasta alone", *options[:1])), words)


def rules(count):
    """Addresses and names with several ports, of which none is the server, and the networks that it is in."""
    if count == 0:
        return 'default = "allow"'
    ports = (443, 80, 993, 465, 5222)
    allow = []
    for number in range(count - 3):
        port, (high, low) = ports[number // 5 % len(ports)], divmod(number, 250)
        if number % 5 < 2:
            allow.append(f"77.{high}.{low}.1:{port}/tcp")
        elif number % 5 < 4:
            allow.append(f"[2a0d:{high + 1:x}:{low:x}::1]:{port}/tcp")
        else:
            allow.append(f"host{number}.example.org:{port}/tcp")
    allow += ["*.load.example", "45.33.7.0/24", "2a0c:5::/64"]
    return f"allow = {json.dumps(allow)}"


def filtered(directory, count):
    path = os.path.join(directory, f"rules{count}.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write('name = "Bench"\ncommand = ["true"]\nnetwork = "filtered"\n[network-rules]\n')
        file.write(rules(count) + "\n")
    words = ["arkose", "run", "--quiet", "--via", "user", "--root", "read-only", "--profile", path, "--"]
    return Contender(f"filtered, {count:,} rules", words)


def firejail(directory, count):
    """Its own filter, or one that looks at so many rules for the first packet of a connection."""
    netfilter = "--netfilter"
    if count:
        path = os.path.join(directory, "firejail.net")
        lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT DROP [0:0]"]
        lines += [f"-A {chain} -m state --state RELATED,ESTABLISHED -j ACCEPT" for chain in ("INPUT", "OUTPUT")]
        for number in range(count - 1):
            lines.append(f"-A OUTPUT -p tcp -d 77.{number // 250}.{number % 250}.1 --dport 443 -j ACCEPT")
        lines += ["-A OUTPUT -d 45.33.7.0/24 -j ACCEPT", "COMMIT"]
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        netfilter = f"--netfilter={path}"
    words = ["firejail", "--quiet", "--noprofile", "--net=br0", "--ip=100.101.0.9"]
    words += ["--defaultgw=100.101.0.1", netfilter, "--"]
    name = f"firejail, {count:,} rules" if count else "firejail"
    return Contender(name, words, is_root=True)


def works(user, contender):
    """Whether a server is reached with it; else the reason is printed."""
    try:
        contender.run(user, reaching("v4", ["true"]))
        return True
    except Failed as reason:
        print(f"{contender.name} cannot be compared with: {reason}")
        return False


def reaching(family, command):
    """The command, when there is a network and the launch is over."""
    script = f'"$0" reach "$1" "$2" && shift 2 && sleep {SETTLED} && exec "$@"'
    return ["sh", "-c", script, LOAD, SERVERS[family], PORT, *command]


# --- what is measured


def speed(user, contender, family, *options):
    """MiB a second, as the server has received them, or the client."""
    # A client whose uplink stands still for good waits for ever.
    command = ["timeout", "--signal", "KILL", LONGEST, "iperf3", "--client", SERVERS[family], "--port", SPEED_PORT]
    command += ["--bytes", BYTES, "--json", *options]
    said = json.loads(contender.run(user, reaching(family, command)))
    return said["end"]["sum_received"]["bits_per_second"] / 8 / (1 << 20)


def connections(user, contender, family):
    command = [LOAD, "connect", SERVERS[family], PORT, CONNECTIONS, THREADS]
    return float(contender.run(user, command))


class Lookups:
    """Each asks for names of its own, so that nobody knows an answer from before."""

    def __init__(self):
        self.first = 0

    def __call__(self, user, contender, server):
        self.first += int(LOOKUPS) + 1
        said = contender.run(user, [LOAD, "ask", server, LOOKUPS, str(self.first)])
        return tuple(float(word) for word in said.split())


def launch(user, contender):
    """From the start of the command to the first thing that the app in it says, in milliseconds."""
    begin = time.perf_counter()
    process = user.start([*contender.words, "/bin/echo", "here"], contender.is_root)
    said = process.stdout.readline()
    taken = (time.perf_counter() - begin) * 1000
    _, errors = process.communicate(timeout=PATIENCE)
    if said != "here\n":
        raise Failed(f"{contender.name} does not launch: {errors}")
    return taken


# How many commands have failed since the last table, by contender.
FAILED = {}


def again(name, measure):
    """What it gives; a command that failed is counted, and has some more chances."""
    for _ in range(8):
        with contextlib.suppress(Failed):
            return measure()
        FAILED[name] = FAILED.get(name, 0) + 1
    return measure()


def in_turns(measures, rounds):
    """What each measure gave; in each round another one is the first."""
    seen = {name: [] for name in measures}
    order = list(measures)
    for _ in range(rounds):
        for name in order:
            seen[name].append(again(name, measures[name]))
        order.append(order.pop(0))
    return seen


def table(title, seen, unit, budgets=None):
    """A line for each: the median, how far the middle half lies apart, and the ratio to the first."""
    print(f"\n{title}, {len(next(iter(seen.values())))} times in turns", flush=True)
    for name, count in FAILED.items():
        print(f"    ({name}: {count} more that stood still or failed)")
    FAILED.clear()
    reference = first = None
    for name, values in seen.items():
        middle = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4)
        reference, first = reference or middle, first or values
        ratio, limit = middle / reference, ""
        if budgets and name in budgets:
            at_least, met = budgets[name], "met" if ratio >= budgets[name] else "missed"
            limit = f"  budget ≥ {at_least:.2f} {met}, give or take {ratio * (doubt(values) + doubt(first)):.2f}"
        print(f"    {name:<32}{middle:10.1f} {unit:<6}±{(high - low) / 2:8.1f}{ratio:8.2f} ×{limit}", flush=True)


def doubt(values):
    """How far, as a part of it, the median may well be from what many more would have: its standard error."""
    low, middle, high = statistics.quantiles(values, n=4)
    return 0.93 * (high - low) / middle / len(values) ** 0.5


def throughput(user, alone, ours, others):
    up, down = ("--set-mss", SEGMENT), ("--reverse",)
    for options, way in ((up, f"to the server, {SEGMENT} bytes each"), (down, "from the server")):
        for family in SERVERS:
            contenders = [alone, *ours.values(), *(others[:1] if family == "v4" else ())]
            if options == down:
                contenders = [alone, ours[MOST]]
            measures = {
                one.name: lambda one=one, family=family, options=options: speed(user, one, family, *options)
                for one in contenders
            }
            seen = in_turns(measures, ROUNDS)
            table(f"TCP over IP{family}, {way}", seen, "MiB/s", {ours[MOST].name: 0.95})


def rates(user, alone, ours, others):
    for family in SERVERS:
        contenders = [alone, *ours.values(), *(others if family == "v4" else ())]
        measures = {one.name: lambda one=one, family=family: connections(user, one, family) for one in contenders}
        table(f"connections over IP{family}", in_turns(measures, ROUNDS), "/s")


def lookups(user, alone, ours):
    ask = Lookups()
    forwarding = pasta("--dns-forward", FORWARDER)
    measures = {
        "pasta alone, the server itself": lambda: ask(user, alone, NAMESERVER),
        "pasta --dns-forward": lambda: ask(user, forwarding, FORWARDER),
    }
    for one in ours.values():
        measures[one.name] = lambda one=one: ask(user, one, "127.0.0.1")
    seen = in_turns(measures, ROUNDS)
    for place, percent in ((0, 50), (1, 99)):
        of = {name: [value[place] for value in values] for name, values in seen.items()}
        table(f"a look-up, {percent}th percentile of {LOOKUPS}", of, "µs")


def launches(user, alone, ours):
    none = Contender("arkose, no network", ["arkose", "run", "--quiet", "--via", "user", "--root", "read-only", "--"])
    measures = {one.name: lambda one=one: launch(user, one) for one in (alone, none, *ours.values())}
    table("from a launch to the app", in_turns(measures, LAUNCHES), "ms")


def version(words):
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    return (said.stdout or said.stderr).splitlines()[0] if said.stdout or said.stderr else "?"


def package(name):
    return version(["dpkg-query", "-W", "-f", "${Version}\n", name])


def introduce():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    load = os.getloadavg()[0]
    print(f"{model}, {os.cpu_count()} of them; Linux {platform.release()}; load {load:.2f} before")
    peers = [f"{name} {package(name)}" for name in ("passt", "firejail", "iperf3")]
    print("; ".join((version(["arkose", "--version"]), *peers)))


def bench(user):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, world():
        # Both the user and what firejail starts read it.
        os.chmod(directory, 0o755)
        # The servers for names are this computer's, and its name is known to all as before.
        names = os.path.join(directory, "resolv.conf")
        with open(names, "w", encoding="utf-8") as file:
            file.write(f"nameserver {NAMESERVER}\n")
        root(["mount", "--bind", names, "/etc/resolv.conf"])
        alone = pasta()
        ours = {count: filtered(directory, count) for count in COUNTS}
        theirs = [one for one in (firejail(directory, count) for count in (0, MOST)) if works(user, one)]
        throughput(user, alone, ours, theirs)
        rates(user, alone, ours, theirs)
        lookups(user, alone, ours)
        launches(user, alone, ours)
        root(["umount", "/etc/resolv.conf"])


def main():
    match sys.argv[1:]:
        case [name]:
            own = [sys.executable, os.path.abspath(__file__), name, "inside"]
            os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", *own])
        case [name, "inside"]:
            # Whoever ends it lets it clean up.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended"))
            begin = time.monotonic()
            introduce()
            try:
                bench(User(name))
            except Failed as failed:
                print(f"bench: {failed}", file=sys.stderr)
                return 1
            print(f"\n{time.monotonic() - begin:.0f} s; load {os.getloadavg()[0]:.2f} after")
            return 0
    print("bench: it takes a user: see its source", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
