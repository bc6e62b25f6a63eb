#!/usr/bin/python3
"""Looks at confined apps that speak over a network with rules, and changes what they may reach: with real
supervisors and windows, in the small world of the suite `filtered`.

    network.py --output DIRECTORY NAME…
"""

import argparse
import os
import sys
import tempfile

from buses import expect, opened, text_of
from desk import NotThere, fail, say, wait_for
from session import App, toml

# Connects to where it is told, has as many bytes echoed, and says how that went.
APP = """
import socket, sys
kept = []
for line in sys.stdin:
    host, port, count = line.split()
    try:
        connection = socket.create_connection((host, int(port)), 4)
        kept.append(connection)
        while connection.recv(1) != b"\\n":
            pass
        left = int(count)
        connection.sendall(b"x" * left)
        while left:
            left -= len(connection.recv(left))
        print("ok", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""
REFUSED = "ConnectionRefusedError"
# The window shows every sandbox of the user: other tests run some at the same time.
NAME = f"Caller {os.getpid()}"
PROFILE = f'name = "{NAME}"\ncommand = ["python3", "-c", %s]\nnetwork = "filtered"\n[network-rules]\nallow = ["45.33.7.1:443"]\n'


class Session:
    """A directory of profiles, and the apps that were started."""

    def __init__(self):
        self.config = tempfile.TemporaryDirectory()
        self.environment = {"XDG_CONFIG_HOME": self.config.name}
        self.apps = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for app in self.apps:
            app.close()
        self.config.cleanup()

    def profile(self):
        """Writes a profile of the app, and says where."""
        folder = os.path.join(self.config.name, "arkose", "profiles")
        os.makedirs(folder)
        path = os.path.join(folder, "caller.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PROFILE % toml(APP).replace("\n", "\\n"))
        return path

    def launch(self, *words):
        app = App(["arkose", *(words or ("launch", "caller"))], {**os.environ, **self.environment})
        self.apps.append(app)
        return app


def reaches(app, host, port, count=10):
    """What comes of it when the app connects there."""
    app.process.stdin.write(f"{host} {port} {count}\n")
    return app.answer()


def label(window, pattern):
    return window.find("label", pattern).get_name()


def traffic(session, output):
    """What goes where is shown, by destination and family, in words beside the chart."""
    session.profile()
    app = session.launch()
    window = opened(session, output, NAME)
    try:
        label(window, "The app has sent nothing yet\\.")
        label(window, "Nothing was sent or received in the last minute\\.")
        expect("the answer", reaches(app, "45.33.7.1", 443, 200_000), "ok")
        window.find("list item", "45.33.7.1")
        label(window, "443/tcp · IPv4 · 1 connection")
        label(window, "2\\d\\d\\.\\d.kB sent")
        said = label(window, "In the last minute: 0.bytes over IPv6, 4\\d\\d\\.\\d.kB over IPv4")
        chart = window.find("image", "In the last minute: .*")
        expect("the name of the chart", chart.get_name(), said)
        window.picture("traffic")
    finally:
        window.close()


def refused(session, output):
    """What was refused is allowed at once and from now on; undone, it is refused again."""
    profile = session.profile()
    app = session.launch()
    expect("the answer", reaches(app, "45.33.7.2", 443), REFUSED)
    window = opened(session, output, NAME)
    rule = "45.33.7.2:443/tcp"
    try:
        window.find("list item", "Refused 45.33.7.2 443/tcp")
        window.press(window.find("push button", "Allow from Now On"))
        wait_for("the rule", lambda: rule in text_of(profile))
        wait_for("the connection", lambda: reaches(app, "45.33.7.2", 443) == "ok")
        window.press(window.find("push button", "Undo.*"))
        wait_for("the profile without it", lambda: rule not in text_of(profile))
        wait_for("the refusal", lambda: reaches(app, "45.33.7.2", 443) == REFUSED)
    finally:
        window.close()


def unstored(session, output):
    """Where no rule can be kept, one counts until the app ends."""
    app = session.launch("run", "--network", "filtered", "--", "python3", "-c", APP)
    expect("the answer", reaches(app, "45.33.7.2", 443), REFUSED)
    window = opened(session, output, "python3")
    try:
        window.press(window.find("push button", "Allow until It Ends"))
        window.find("push button", "Allow.*until It Ends")
        wait_for("the connection", lambda: reaches(app, "45.33.7.2", 443) == "ok")
    finally:
        window.close()


def rules(session, output):
    """The rules of a running app are seen and changed, and its profile stays as it is."""
    profile = session.profile()
    before = text_of(profile)
    app = session.launch()
    window = opened(session, output, NAME)
    try:
        window.press(window.find("push button", "Rules…"))
        window.find("list item", "The app can reach 45.33.7.1, on port 443\\.")
        write(window, "https://x.example/")
        window.find(None, ".*write “x\\.example:443”")
        write(window, "45.33.7.2:80")
        window.find("list item", "The app can reach 45.33.7.2, on port 80\\.")
        expect("the answer", reaches(app, "45.33.7.2", 80), "ok")
        window.picture("rules")
        window.press(window.find("push button", "Remove 45.33.7.1:443"))
        wait_for("the refusal", lambda: reaches(app, "45.33.7.1", 443) == REFUSED)
        expect("the profile", text_of(profile), before)
    finally:
        window.close()


def write(window, rule):
    """Writes a rule in the place of what was written, and adds it."""
    entry = window.find("text", "Name or Address")
    entry.get_editable_text_iface().set_text_contents(rule)
    window.press(window.find("push button", "Add"))


SCENES = {scene.__name__: scene for scene in (traffic, refused, unstored, rules)}


def play(scene, output):
    with Session() as session:
        try:
            scene(session, output)
        except NotThere as trouble:
            return fail(f"{scene.__name__}: {trouble}")
    say(scene.__name__)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("scenes", nargs="+", metavar="NAME", choices=[*SCENES])
    options = parser.parse_args()
    os.environ["ARKOSE_VIA"] = "user"
    return max(play(SCENES[name], options.output) for name in options.scenes)


if __name__ == "__main__":
    sys.exit(main())
