"""A supervisor for `arkose-gtk --prompt`: asks over a socket, and hears the answers.

It needs what desk.py needs.
"""

import json
import os
import select
import socket
import subprocess

from desk import Desk, NotThere, PATIENCE, wait_for

# What a supervisor says of a call for the keyring.
KEYRING = {
    "app": "Text Editor",
    "profile": "gedit",
    "desktop": "org.gnome.gedit.desktop",
    "words": "“Text Editor” wants to read, change and remove your passwords and other secrets.",
    "risk": "open",
    "bus": "session",
    "destination": "org.freedesktop.secrets",
    "path": "/org/freedesktop/secrets",
    "interface": "org.freedesktop.Secret.Service",
    "member": "OpenSession",
    "arg0": "plain",
}

# What an answer about a connection can be about.
SCOPES = [
    {"scope": "name", "words": "This name, port 443", "rule": "www.example.org:443/tcp"},
    {"scope": "domain", "words": "Every name in this domain, port 443", "rule": "*.example.org:443/tcp"},
    {"scope": "address", "words": "This address, port 443", "rule": "192.0.2.1:443/tcp"},
    {"scope": "everything", "words": "Everything, port 443", "rule": "*:443/tcp"},
]


class Prompter(Desk):
    """The prompter on this display, and the other end of its socket."""

    def __init__(self, output, environment=None):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        self.heard = b""
        with theirs:
            super().__init__(output, ["arkose-gtk", "--prompt"], environment, stdin=theirs)

    def close(self):
        self.socket.close()
        super().close()

    # --- saying

    def say(self, line):
        self.socket.sendall(line + b"\n" if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    def ask(self, number, **fields):
        self.say({"question": number, **KEYRING, **fields})

    def withdraw(self, number):
        self.say({"withdrawn": number})

    # --- hearing

    def answer(self):
        """The next answer: the number of the question, the decision, and what it is about where it says that.
        `None` when there will be none."""
        while b"\n" not in self.heard:
            try:
                more = self.socket.recv(4096)
            except ConnectionResetError:
                more = b""
            except TimeoutError as late:
                raise NotThere("an answer") from late
            if not more:
                return None
            self.heard += more
        line, self.heard = self.heard.split(b"\n", 1)
        said = json.loads(line)
        number, decision, scope = (said.pop(key, None) for key in ("answer", "decision", "scope"))
        if said or number is None or decision is None:
            raise NotThere(f"an answer in {line}")
        return (number, decision) if scope is None else (number, decision, scope)

    def is_silent(self, seconds):
        """Whether nothing at all is said for so long."""
        return not self.heard and not select.select([self.socket], [], [], seconds)[0]

    def ended(self):
        """The exit status; the program has to end by itself."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise NotThere("the end of the prompter") from late

    # --- looking

    def button(self, name):
        """The button of that name, once it can be pressed."""
        return wait_for(f"the button “{name}”, to be pressed", lambda: self.pressable(name))

    def pressable(self, name):
        return next((found for found in self.all("push button", name) if is_sensitive(found)), None)

    def shown(self):
        return self.process.poll() is None and bool(self.all("alert") or self.all("dialog"))


def is_sensitive(widget):
    from gi.repository import Atspi

    return widget.get_state_set().contains(Atspi.StateType.SENSITIVE)
