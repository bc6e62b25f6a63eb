#!/usr/bin/python3
"""Measures Arkose next to other sandboxes, in one run, in turns, and prints medians and ratios.

    bench.py [launch] [desktop] [polkit] [teardown] [many] [dbus]

Each number is milliseconds for the whole command as a shell would see it, and below the title stands
the command. Budgets are ratios, because they hold on slow and fast machines alike; what a launch
takes of memory is counted in page faults, which do not depend on what else the machine does.
"""

import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import proxies

ROUNDS = 30
HOME = os.environ["HOME"]
HELPER = "/usr/libexec/arkose-helper"


def bwrap(binds, command):
    """The same namespaces and the same tree as Arkose's defaults with a read-only system."""
    words = ["bwrap", "--unshare-all", "--hostname", "bench", "--ro-bind", "/", "/", "--dev", "/dev"]
    words += ["--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", HOME]
    for path in binds:
        words += ["--bind", path, path]
    return [*words, "--die-with-parent", *command]


def arkose(via, binds, command):
    words = ["arkose", "run", "--via", via, "--root", "read-only"]
    for path in binds:
        words += ["--bind", path]
    return [*words, "--", *command]


def firejail(command):
    return ["firejail", "--quiet", "--noprofile", "--net=none", "--private", *command]


def confines(sandbox):
    """Whether it builds a sandbox at all: inside another one, firejail only runs the command."""
    network = ["readlink", "/proc/self/ns/net"]
    inside = subprocess.run(sandbox(network), capture_output=True, text=True, check=False).stdout
    return inside.strip() not in ("", os.readlink("/proc/self/ns/net"))


def elapsed(words):
    begin = time.perf_counter()
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def teardown(words):
    """From the moment the command may end until the last process of its sandbox is gone."""
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    begin = time.perf_counter()
    process.stdin.close()
    # Every process inside holds the pipe's other end, so it ends with the last of them.
    process.stdout.read()
    process.wait()
    return (time.perf_counter() - begin) * 1000


def page_faults():
    """Of all that this process has started and that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def shown(words):
    """The command, cut where it is very long."""
    text = shlex.join(words)
    return text if len(text) <= 230 else f"{text[:160]} … {text[-60:]}"


def compare(title, measure, contenders, budgets, rounds=ROUNDS):
    """Runs the contenders in turns; the budget is for the ratio to the first."""
    times = {name: [] for name in contenders}
    faults = {name: 0 for name in contenders}
    for name, words in contenders.items():
        measure(words)
    for _ in range(rounds):
        for name, words in contenders.items():
            before = page_faults()
            times[name].append(measure(words))
            faults[name] += page_faults() - before
    reference = None
    print(f"{title}, {rounds} times in turns")
    for words in contenders.values():
        print(f"      {shown(words)}")
    for name, taken in times.items():
        median = statistics.median(taken)
        reference = reference or median
        budget = budgets.get(name)
        limit = f"  budget {budget:.2f}" if budget else ""
        each = faults[name] // rounds
        print(f"    {name:<24}{median:8.2f} ms{median / reference:8.2f} ×{each:7} faults{limit}", flush=True)
    return {name: statistics.median(taken) for name, taken in times.items()}


def bench_launch():
    true = ["/bin/true"]
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        paths = [os.path.join(scratch, str(number)) for number in range(200)]
        for path in paths:
            os.mkdir(path)
        for count, budget in ((0, 1.0), (1, 1.0), (20, None), (200, 0.4)):
            contenders = {
                "bwrap": bwrap(paths[:count], true),
                "arkose --via user": arkose("user", paths[:count], true),
                "arkose --via helper": arkose("helper", paths[:count], true),
            }
            if count == 0 and shutil.which("firejail") and confines(firejail):
                contenders["firejail"] = firejail(true)
            rounds = ROUNDS if count == 200 else 100
            compare(f"launch of true, {count} binds", elapsed, contenders, {"arkose --via user": budget}, rounds)


def bench_desktop():
    """A shipped profile next to the one that firejail has for the same app, both without starting the app.

    The isolated screen is left out: firejail's own start of one is not what is compared."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    try:
        for app in ("evince", "vlc"):
            theirs = ["firejail", "--quiet", f"--profile={app}", "--ignore=private-bin", "/bin/true"]
            contenders = {"firejail": theirs}
            for via in ("user", "helper"):
                words = ["arkose", "run", "--quiet", "--via", via, "--profile", app, "--xserver", "none"]
                contenders[f"arkose --via {via}"] = [*words, "--", "/bin/true"]
            compare(f"the profile of {app}", elapsed, contenders, {"arkose --via user": 0.25})
    finally:
        del os.environ["DBUS_SESSION_BUS_ADDRESS"]
        bus.terminate()
        bus.wait()
        bus.stdout.close()


def bench_polkit():
    """What of a privileged launch is pkexec's own time: the helper refuses an empty request at once."""

    def refused(words):
        begin = time.perf_counter()
        subprocess.run(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return (time.perf_counter() - begin) * 1000

    compare("pkexec alone", refused, {"pkexec, no sandbox": ["pkexec", HELPER, "launch"]}, {})


def bench_teardown():
    script = "for i in $(seq 20); do sleep 600 & done; echo ready; read line; exit 0"
    command = ["bash", "-c", script]
    contenders = {
        "bwrap": bwrap([], command),
        "arkose --via user": arkose("user", [], command),
        "arkose --via helper": arkose("helper", [], command),
    }
    compare("end of a sandbox with 20 processes", teardown, contenders, {})


def ours():
    """The resident and proportional memory, in KiB, of what Arkose has running for each sandbox, by what it is."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                sizes = dict(line.split()[:2] for line in file.readlines()[1:])
        except OSError:
            continue
        inside = os.path.exists(f"/proc/{pid}/status") and nested(pid)
        if inside and name in ("arkose-sandbox", "arkose-helper"):
            kind = "first process"
        elif words[:3] == [b"/proc/self/exe", b"--guard", b"clean"]:
            kind = "cleaner"
        elif words[0].endswith(b"arkose") and words[1] == b"run":
            kind = "supervisor"
        elif name == "arkose-helper":
            kind = "helper"
        elif name == "pkexec":
            kind = "pkexec"
        else:
            continue
        found.setdefault(kind, []).append((int(sizes["Rss:"]), int(sizes["Pss:"])))
    return found


def nested(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return any(line.startswith("NSpid:") and len(line.split()) > 2 for line in file)


def bench_many():
    """The next launch while others run, and what each of them takes. As root the helpers are seen, too."""
    script = "echo ready; exec sleep 600"
    for via in ("user", "helper"):
        running = []
        print(f"others running, --via {via}")
        for count in (0, 1, 50, 200):
            while len(running) < count:
                words = arkose(via, [], ["/bin/sh", "-c", script])
                running.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
                running[-1].stdout.readline()
            time.sleep(0.2)
            times = [elapsed(arkose(via, [], ["/bin/true"])) for _ in range(ROUNDS)]
            print(f"    {count:>4} others: the next takes {statistics.median(times):8.2f} ms", flush=True)
            listed = elapsed(["arkose", "ps", "--json"])
            print(f"                 a list of them  {listed:8.2f} ms", flush=True)
            for kind, sizes in sorted(ours().items()) if count else ():
                rss = statistics.median(rss for rss, _ in sizes)
                pss = statistics.median(pss for _, pss in sizes)
                print(f"         {len(sizes):>4} × {kind:<14} {rss:7.0f} KiB resident, {pss:6.0f} KiB of its own share")
        for one in running:
            one.terminate()
        for one in running:
            one.wait()
            one.stdout.close()


BENCHES = {
    "launch": bench_launch,
    "desktop": bench_desktop,
    "polkit": bench_polkit,
    "teardown": bench_teardown,
    "many": bench_many,
    "dbus": proxies.bench,
}


def main():
    names = sys.argv[1:] or list(BENCHES)
    for name in names:
        if name not in BENCHES:
            print(f"bench: no {name}; there are {', '.join(BENCHES)}", file=sys.stderr)
            return 2
    for name in names:
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
