#!/usr/bin/python3
"""Takes a picture of every page and dialog of the window, and of the prompter: in English and French, light and dark,
wide and 360 pixels narrow.

    shots.py --output DIRECTORY [--only NAME] [--lang en|fr]

Widgets are reached by keys and by the actions of the application, which no language changes.
"""

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from functools import partial

from desk import Desk, NotThere, fail, say, text_of, wait_for, walk, xdotool
from prompter import Prompter, is_sensitive

APPLICATION = "io.github.arkose.Arkose"
WIDTHS = {"wide": (1120, 780), "narrow": (360, 720)}
LOCALES = {"en": "C.UTF-8", "fr": "fr_FR.UTF-8"}
SCHEMES = {"light": "prefer-light", "dark": "prefer-dark"}

TALKER_NAME = "Talker"
# Sends something to nobody each second, and something that is refused.
TALKER = (
    "import itertools, socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\\n"
    "def say(size, *to):\\n"
    "    try: s.sendto(bytes(size), to)\\n"
    "    except OSError: pass\\n"
    "for n in itertools.count():\\n"
    "    say(200 + n * 700 % 1100, '192.0.2.%d' % (77 + n % 3), 9); say(1, '10.0.0.7', 631); time.sleep(0.2)"
)

# Profiles that nobody ships: one with a mistake, one that cannot be launched, one with rules for the
# message buses, and one with rules for the network.
PROFILES = {
    "broken": 'name = "Broken"\ncommand = ["true"]\nnetwrk = "none"\n',
    "failing": 'name = "Failing"\ncommand = ["true"]\n[files]\nbind = ["/no/such/place"]\n',
    "buses": 'name = "Buses"\ncommand = ["true"]\ndbus = "both"\ndbus-presets = ["notifications"]\n'
    '[dbus-rules.session]\ntalk = ["org.freedesktop.FileManager1"]\n'
    'call = ["org.gnome.Shell.Screenshot=org.gnome.Shell.Screenshot.*@/org/gnome/Shell/Screenshot"]\n',
    "talker": 'name = "%s"\ncommand = ["python3", "-c", "%s"]\nnetwork = "filtered"\n'
    '[network-rules]\nallow = ["192.0.2.0/24:9/udp", "*.donaudampfschifffahrtsgesellschaft.example:8000-8100"]\n'
    'deny = ["lan"]\n' % (TALKER_NAME, TALKER),
    "network": 'name = "Network"\ncommand = ["true"]\nnetwork = "filtered"\n'
    '[network-rules]\ndefault = "ask"\n'
    'allow = ["imap.example.org:993/tcp", "*.donaudampfschifffahrtsgesellschaft.example:8000-8100", "host:631"]\n'
    'deny = ["[2001:db8:1234:5678::/64]:443/udp", "lan"]\nask = ["public:443"]\n',
}


class Shots:
    """One combination of language, colours and width."""

    def __init__(self, output, config, language, scheme, width):
        self.folder = os.path.join(output, f"{language}-{scheme}-{width}")
        self.size = WIDTHS[width]
        self.environment = {
            "LANG": LOCALES[language],
            "LOCPATH": os.path.join(config, "locales"),
            "ADW_DEBUG_COLOR_SCHEME": SCHEMES[scheme],
            "XDG_CONFIG_HOME": config,
        }
        self.desk = None

    def __call__(self, name, *arguments, act):
        """Opens the program with these arguments, does something, and takes the picture `name`."""
        app = self.launched() if name in RUNNING else None
        self.desk = Desk(self.folder, ["arkose-gtk", *arguments], self.environment)
        try:
            wait_for("the window", lambda: self.desk.all("frame") or self.desk.all("window"))
            self.resize()
            self.desk.settle()
            act(self.desk)
            # Out of the way: it would bring up a tooltip.
            xdotool("mousemove", 1279, 799)
            self.desk.settle()
            path = os.path.join(self.folder, f"{name}.png")
            subprocess.run(["import", "-window", "root", "-crop", self.crop(), "+repage", path], check=True)
        finally:
            self.desk.close()
            if app is not None:
                app.terminate()
                app.wait()

    def launched(self):
        """An app that speaks over the network."""
        return subprocess.Popen(["arkose", "launch", "--via", "user", "talker"], env={**os.environ, **self.environment})

    def prompt(self, name, questions, act):
        """Asks with the prompter, and takes the picture `name`; the window is as high as it likes."""
        self.desk = Prompter(self.folder, self.environment)
        try:
            for number, fields in enumerate(questions):
                self.desk.ask(number, **fields)
            window = wait_for("the window", lambda: text_of(["xdotool", "search", "--class", APPLICATION]).split())[-1]
            # Only closing is possible at first.
            wait_for("buttons", lambda: sum(map(is_sensitive, self.desk.all("push button"))) > 4)
            xdotool("windowmove", window, 0, 0)
            if self.size[0] < 420:
                height = text_of(["xdotool", "getwindowgeometry", "--shell", window]).split("HEIGHT=")[1].split()[0]
                xdotool("windowsize", window, self.size[0], height)
            act(self.desk)
            xdotool("mousemove", 1279, 799)
            # Whatever was unfolded has moved the answers.
            wait_for("buttons", lambda: sum(map(is_sensitive, self.desk.all("push button"))) > 4)
            self.desk.settle()
            path = os.path.join(self.folder, f"{name}.png")
            subprocess.run(["import", "-window", window, path], check=True)
        finally:
            self.desk.close()

    def resize(self):
        """Gives the window its size, at the screen's corner."""
        window = wait_for("an active window", lambda: text_of(["xdotool", "getactivewindow"]).strip())
        xdotool("windowmove", window, 0, 0)
        xdotool("windowsize", window, *self.size)

    def crop(self):
        return f"{self.size[0]}x{self.size[1]}+0+0"


def keys(*words):
    return lambda desk: desk.key(*words)


def about(_desk):
    subprocess.run(["gapplication", "action", APPLICATION, "about"], check=True)


def search_nothing(desk):
    desk.key("ctrl+f")
    desk.settle()
    xdotool("type", "zzzz")
    wait_for("an empty list", lambda: not desk.all("list item"))


def scrolled(desk):
    """Turns the wheel over the page until its end is on the screen."""
    width, height = 300, 500
    xdotool("mousemove", width, height)
    for _ in range(60):
        xdotool("click", 5)


def scrolled_to(text):
    """Turns the wheel until an entry of a list is on the screen, and what stands above it."""

    def turn(desk):
        entry = desk.find("label", re.escape(text))
        xdotool("mousemove", 300, 500)
        wait_for(f"the entry “{text}”", lambda: xdotool("click", 5) or 0 < top_of(entry) < 520)

    return turn


def top_of(widget):
    from gi.repository import Atspi

    return widget.get_component_iface().get_extents(Atspi.CoordType.WINDOW).y


def switch_turned(desk):
    """Turns a switch of the page: something is then changed for this launch."""
    before = desk.texts()
    switches = [widget for role in ("switch", "toggle button", "check box") for widget in desk.all(role)]
    named = [widget for widget in switches if widget.get_name()]
    if not named:
        raise NotThere("a switch")
    desk.press(named[-1])
    wait_for("a change of the window", lambda: desk.texts() != before)


def on_sandbox(then):
    """Opens the page of the app that runs, with some seconds of traffic, and does something there."""

    def act(desk):
        desk.key("ctrl+r")
        # It stands behind its profile, or on a narrow screen alone.
        desk.press(wait_for("the app", lambda: [row for row in desk.all("list item", TALKER_NAME) if is_seen(row)])[-1])
        wait_for("traffic", lambda: [text for text in desk.texts() if text.startswith("192.0.2.")])
        time.sleep(4)
        then(desk)

    return act


def rules_opened(desk):
    """Presses the last button of text on the page, which is “Rules…”, in whatever language."""
    named = [button for button in desk.all("push button") if (button.get_name() or "").endswith("…")]
    desk.press(named[-1])
    wait_for("the rules", lambda: desk.all("list item", ".*192.0.2.0/24.*"))


def is_seen(row):
    """Whether it is a row of what runs: these tell how long."""
    return any("0:00:" in (child.get_name() or "") for child in walk(row))


def launch_failing(desk):
    desk.key("ctrl+Return")
    wait_for("the dialog", lambda: len(desk.all("dialog")) + len(desk.all("alert")) > 0)


PAGES = {
    "list": ([], lambda desk: None),
    "search-nothing": ([], search_nothing),
    "profile": (["xeyes"], lambda desk: None),
    "profile-end": (["xeyes"], scrolled),
    "profile-changed": (["xeyes"], switch_turned),
    "buses": (["buses"], scrolled_to("org.freedesktop.FileManager1")),
    "network": (["network"], scrolled_to("public:443")),
    "broken": (["broken"], lambda desk: None),
    "failed": (["failing"], launch_failing),
    "new-profile": ([], keys("ctrl+n")),
    "shortcuts": ([], keys("F1")),
    "main-menu": ([], keys("F10")),
    "about": ([], about),
    "launch": (["--launch", "xeyes"], lambda desk: None),
    "running-network": ([], on_sandbox(lambda desk: None)),
    "running-requests": ([], on_sandbox(scrolled)),
    "network-rules": ([], on_sandbox(rules_opened)),
}
# Those with an app that runs.
RUNNING = ("running-network", "running-requests", "network-rules")


def unfolded(desk):
    """Shows what exactly was asked for: the last of what can be unfolded by its arrow."""
    desk.press([widget for widget in desk.all() if widget.get_name() and is_expander(widget)][-1])


def is_expander(widget):
    from gi.repository import Atspi

    return widget.get_state_set().contains(Atspi.StateType.EXPANDABLE)


LONG = {
    "app": "Tabellenkalkulation für Haushaltsbuchführung und Vereinsverwaltung",
    "words": "„Tabellenkalkulation für Haushaltsbuchführung und Vereinsverwaltung“ möchte Bildschirmfotos von allen Fenstern, auch von solchen, in denen "
    "Kennwörter und Donaudampfschifffahrtsgesellschaftskapitänspatente zu sehen sind, aufnehmen.",
    "risk": "partly-open",
    "arg0": "zeile eins\nzeile zwei \u202e" + "x" * 400,
}
OF_BUSES = ["bus", "destination", "path", "interface", "member", "arg0"]
CONNECTION = {
    **dict.fromkeys(OF_BUSES),
    "words": "“Text Editor” wants to connect to static.donaudampfschifffahrtsgesellschaft.example "
    "(2001:db8:1234:5678:9abc:def0:1234:5678), port 443 (tcp).",
    "risk": "partly-open",
    "name": "static.donaudampfschifffahrtsgesellschaft.example",
    "address": "2001:db8:1234:5678:9abc:def0:1234:5678",
    "port": "443",
    "protocol": "tcp",
    "process": "donaudampfschif",
    "scopes": [
        {"scope": "name", "words": "This name, port 443", "rule": "static.donaudampfschifffahrtsgesellschaft.example:443/tcp"},
        {
            "scope": "domain",
            "words": "Every name in this domain, port 443",
            "rule": "*.donaudampfschifffahrtsgesellschaft.example:443/tcp",
        },
        {"scope": "address", "words": "This address, port 443", "rule": "[2001:db8:1234:5678:9abc:def0:1234:5678]:443/tcp"},
        {"scope": "everything", "words": "Everything on the internet, port 443", "rule": "public:443/tcp"},
    ],
}
# As short as they come.
NEARBY = {
    **CONNECTION,
    "words": "“Text Editor” wants to connect to www.example.org (192.0.2.1), port 443 (tcp).",
    "name": "www.example.org",
    "address": "192.0.2.1",
    "process": "editor",
    "scopes": [
        {"scope": "name", "words": "This name, port 443", "rule": "www.example.org:443/tcp"},
        {"scope": "domain", "words": "Every name in this domain, port 443", "rule": "*.example.org:443/tcp"},
        {"scope": "address", "words": "This address, port 443", "rule": "192.0.2.1:443/tcp"},
        {"scope": "everything", "words": "Everything, port 443", "rule": "*:443/tcp"},
    ],
}
# Where there is nothing to choose.
SERVICE = {
    **CONNECTION,
    "words": "“Text Editor” wants to connect to 192.0.2.254, port 631 (tcp).",
    "name": None,
    "address": "192.0.2.254",
    "port": "631",
    "process": None,
    "scopes": [{"scope": "address", "words": "This computer, port 631", "rule": "host:631/tcp"}],
}
PROMPTS = {
    "prompt": ([{}], lambda desk: None),
    "prompt-details": ([{}], unfolded),
    "prompt-several": ([{}, {**LONG, "app": "Text Editor"}, {"words": "Read your contacts."}], lambda desk: None),
    "prompt-long": ([LONG], unfolded),
    "prompt-network": ([NEARBY], lambda desk: None),
    "prompt-network-details": ([CONNECTION], unfolded),
    "prompt-network-service": ([SERVICE], lambda desk: None),
    "prompt-network-several": ([NEARBY, CONNECTION], lambda desk: None),
}


def prepare(config):
    """The profiles, the languages, and no motion that a picture could be taken in the middle of."""
    folder = os.path.join(config, "arkose", "profiles")
    os.makedirs(folder)
    for name, text in PROFILES.items():
        with open(os.path.join(folder, f"{name}.toml"), "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(os.path.join(config, "gtk-4.0"))
    with open(os.path.join(config, "gtk-4.0", "settings.ini"), "w", encoding="utf-8") as file:
        file.write("[Settings]\ngtk-enable-animations=false\n")
    # A real locale: the C library of today translates nothing in C.UTF-8.
    place = os.path.join(config, "locales", LOCALES["fr"])
    os.makedirs(os.path.dirname(place))
    subprocess.run(["localedef", "--no-archive", "-i", "fr_FR", "-f", "UTF-8", place], check=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--only", choices=[*PAGES, *PROMPTS])
    parser.add_argument("--lang", choices=["en", "fr"])
    return parser.parse_args()


def main():
    options = arguments()
    languages = [options.lang] if options.lang else ["en", "fr"]
    missed = []
    with tempfile.TemporaryDirectory() as config:
        prepare(config)
        for language, scheme, width in itertools.product(languages, SCHEMES, WIDTHS):
            shots = Shots(options.output, config, language, scheme, width)
            say(f"{language}, {scheme}, {width}")
            pages = [(name, partial(shots, name, *words, act=act)) for name, (words, act) in PAGES.items()]
            pages += [(name, partial(shots.prompt, name, *how)) for name, how in PROMPTS.items()]
            for name, take in pages:
                if options.only in (None, name):
                    try:
                        take()
                    except NotThere as trouble:
                        missed.append(f"{language}-{scheme}-{width}/{name}: {trouble}")
    for line in missed:
        fail(line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
