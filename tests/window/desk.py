"""A person at the window: finds widgets by what a screen reader is told, presses them with the
pointer, types, waits for what should appear, and takes pictures.

It needs a display and a session bus of its own; tests/env/display.sh provides both.
"""

import os
import re
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# It warns of every program that goes away while it is asked about, which happens all the time here.
GLib.log_set_handler("dbind", GLib.LogLevelFlags.LEVEL_WARNING, lambda *_: None, None)

# Far longer than anything takes: whoever waits this long has failed.
PATIENCE = float(os.environ.get("PATIENCE", "40"))


class NotThere(Exception):
    """What was waited for did not come."""


def wait_for(what, condition, patience=PATIENCE):
    """Answers the first true value of `condition`; `what` is for the message when there is none.

    The accessibility bus announces far too little to wait for events of it, so this asks again.
    """
    end = time.monotonic() + patience
    while True:
        try:
            found = condition()
        except GLib.Error:
            # The widget went while it was asked about.
            found = None
        if found:
            return found
        if time.monotonic() > end:
            raise NotThere(f"{what} did not appear within {patience:.0f} seconds")
        time.sleep(0.05)


def showing(widget):
    """Whether it is on the screen. GTK 4.8 says so of windows only; of the rest it tells the size,
    which is none for what is not drawn."""
    if widget.get_state_set().contains(Atspi.StateType.SHOWING):
        return True
    component = widget.get_component_iface()
    if component is None:
        return False
    area = component.get_extents(Atspi.CoordType.WINDOW)
    return area.width > 0 and area.height > 0


def walk(widget):
    """The widget and everything below it that is not hidden, parents first."""
    yield widget
    for index in range(widget.get_child_count()):
        child = widget.get_child_at_index(index)
        if child is not None and child.get_state_set().contains(Atspi.StateType.VISIBLE):
            yield from walk(child)


def text_of(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options).stdout


class Desk:
    """One run of a program on this display."""

    def __init__(self, output, command, environment=None, stdin=None):
        self.output = output
        self.taken = 0
        os.makedirs(output, exist_ok=True)
        # A picture or a name can be wrong only in what the program shows, so its messages are kept.
        self.log = open(os.path.join(output, "messages.txt"), "ab")
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=stdin,
            stdout=self.log,
            stderr=self.log,
        )

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    # --- finding

    def application(self):
        """What the program shows to screen readers."""
        if self.process.poll() is not None:
            raise NotThere(f"the window: the program ended with status {self.process.returncode}")
        desktop = Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            if child is not None and child.get_process_id() == self.process.pid:
                return child
        return None

    def all(self, role=None, name=None):
        """Every widget on the screen with that role and name; the name may be a pattern."""
        application = self.application()
        if application is None:
            return []
        found = []
        for widget in walk(application):
            if role is not None and widget.get_role_name() != role:
                continue
            if name is not None and not re.fullmatch(name, widget.get_name() or ""):
                continue
            if showing(widget):
                found.append(widget)
        return found

    def find(self, role, name, patience=PATIENCE):
        found = wait_for(f"the {role} “{name}”", lambda: self.all(role, name), patience)
        return found[0]

    def texts(self):
        """Every label on the screen, from top to bottom."""
        return [widget.get_name() for widget in self.all("label") if widget.get_name()]

    # --- acting

    def press(self, widget):
        """Does what a click does: by its action where it has one, else with the pointer."""
        action = widget.get_action_iface()
        if action is not None and action.get_n_actions() > 0 and action.do_action(0):
            return
        self.click(widget)

    def click(self, widget):
        area = widget.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
        x, y = self.origin()
        xdotool(
            "mousemove",
            x + area.x + area.width // 2,
            y + area.y + area.height // 2,
            "click",
            1,
        )

    def origin(self):
        """Where the program's active window begins; its widgets are counted from there."""
        shell = text_of(["xdotool", "getactivewindow", "getwindowgeometry", "--shell"])
        places = dict(line.split("=", 1) for line in shell.split() if "=" in line)
        return int(places["X"]), int(places["Y"])

    def key(self, *keys):
        xdotool("key", "--clearmodifiers", *keys)

    # --- looking

    def settle(self):
        """Waits until two pictures of the screen in a row are the same."""
        last = [None]

        def same():
            now = subprocess.run(["import", "-window", "root", "rgb:-"], capture_output=True, check=True).stdout
            before, last[0] = last[0], now
            return now == before

        # Something that moves for ever, such as a spinner, is taken as it is.
        try:
            wait_for("a still screen", same, patience=5)
        except NotThere:
            pass

    def picture(self, name, window="root"):
        """Saves what is on the screen, numbered in the order of taking."""
        self.settle()
        self.taken += 1
        path = os.path.join(self.output, f"{self.taken:02}-{name}.png")
        subprocess.run(["import", "-window", window, path], check=True)
        return path


def xdotool(*words):
    subprocess.run(["xdotool", *map(str, words)], check=True)


def windows():
    """The titled windows of this display."""
    tree = text_of(["xwininfo", "-root", "-tree"])
    return re.findall(r'0x[0-9a-f]+ "([^"]+)"', tree)


def processes(name):
    """Pid and owner of every process of that name."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
                if comm.read().strip() == name[:15]:
                    found.append((int(pid), os.stat(f"/proc/{pid}").st_uid))
        except OSError:
            continue
    return found


def say(text):
    print(f"    {text}", flush=True)


def fail(text):
    print(f"drive: {text}", file=sys.stderr, flush=True)
    return 1
