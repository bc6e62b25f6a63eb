"""A session with a service on its bus, and confined apps that call it: real supervisors and proxies.

It needs what desk.py needs.
"""

import os
import subprocess
import sys
import tempfile

from desk import Desk, NotThere, processes, wait_for

# A service whose methods say what they were told.
SERVICE = """
from gi.repository import Gio, GLib
method = "<arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
xml = f"<node><interface name='org.example.Test'><method name='Say'>{method}<method name='Sing'>{method}</interface></node>"
def called(connection, sender, path, interface, method, arguments, invocation):
    invocation.return_value(GLib.Variant("(s)", ("heard " + arguments[0],)))
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
bus.register_object("/test", Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0], called)
Gio.bus_own_name_on_connection(bus, "org.example.Test", 0, lambda *_: print("ready", flush=True))
GLib.MainLoop().run()
"""

# Calls the method that it is told, and prints the answer or the error's name.
APP = (
    "while read -r method word; do "
    "echo \"$word: $(dbus-send --session --print-reply=literal --reply-timeout=60000 --dest=org.example.Test /test "
    "org.example.Test.$method string:$word 2>&1 | sed 's/^ *//; s/^Error \\([^:]*\\).*/\\1/')\" & done; wait"
)
# Of what no rule names, and of what one names and none allows.
HIDDEN = "org.freedesktop.DBus.Error.ServiceUnknown"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"
# The window shows every sandbox of the user: other tests run some at the same time.
NAME = f"Chat {os.getpid()}"
PROFILE = f'name = "{NAME}"\ncommand = ["sh", "-c", %s]\ndbus = "session"\n'


class Session:
    """The service, and a directory of profiles of its own."""

    def __init__(self):
        self.config = tempfile.TemporaryDirectory()
        self.environment = {"XDG_CONFIG_HOME": self.config.name}
        self.folder = os.path.join(self.config.name, "arkose", "profiles")
        os.makedirs(self.folder)
        self.apps = []
        self.service = subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, text=True)
        if self.service.stdout.readline() != "ready\n":
            raise NotThere("the service")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for app in self.apps:
            app.close()
        self.service.kill()
        self.service.wait()
        self.config.cleanup()

    def profile(self, more="", name="chat"):
        """Writes a profile of the app, and says where."""
        path = os.path.join(self.folder, f"{name}.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PROFILE % toml(APP) + more)
        return path

    def launch(self, *words):
        """Starts the app from that profile, or as these words have it."""
        app = App(["arkose", *(words or ("launch", "chat"))], {**os.environ, **self.environment})
        self.apps.append(app)
        return app


class App:
    """A confined app that calls the service."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def call(self, method, word):
        self.process.stdin.write(f"{method} {word}\n")

    def answer(self):
        """What came of a call: the word and the answer."""
        return self.process.stdout.readline().strip()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Asking(Desk):
    """The window that a supervisor has opened to ask."""

    def __init__(self, output, supervisor):
        self.output = output
        self.taken = 0
        os.makedirs(output, exist_ok=True)
        self.pid = wait_for("the window that asks", lambda: below(supervisor.process.pid, "arkose-gtk"))

    def application(self):
        from gi.repository import Atspi

        desktop = Atspi.get_desktop(0)
        children = (desktop.get_child_at_index(index) for index in range(desktop.get_child_count()))
        return next((child for child in children if child and child.get_process_id() == self.pid), None)

    def pressable(self, name):
        return next((found for found in self.all("push button", name) if is_sensitive(found)), None)

    def button(self, name):
        return wait_for(f"the button “{name}”, to be pressed", lambda: self.pressable(name))

    def gone(self):
        wait_for("the end of the window", lambda: not os.path.exists(f"/proc/{self.pid}/exe"))


def below(ancestor, name):
    """The process of that name that descends from another."""
    for pid, _ in processes(name):
        parent = pid
        while parent > 1 and parent != ancestor:
            with open(f"/proc/{parent}/stat", encoding="utf-8", errors="replace") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        if parent == ancestor:
            return pid
    return None


def is_sensitive(widget):
    from gi.repository import Atspi

    return widget.get_state_set().contains(Atspi.StateType.SENSITIVE)


def toml(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
