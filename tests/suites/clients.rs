//! Programs that others have written speak through the proxy as they are: the bindings of each family,
//! and services of a desktop behind the presets.

use arkose_tests::prompter;
use arkose_tests::wait::{self, LAUNCH};
use arkose_tests::{Arkose, Display, Outcome, Scratch, Via, both_ways};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

/// Answers `Say`, and owns the names that it is given.
const SERVICE: &str = r#"
import sys
from gi.repository import Gio, GLib
xml = "<node><interface name='org.example.Test'><method name='Say'><arg type='s' direction='in'/><arg type='s' direction='out'/></method></interface></node>"
def called(connection, sender, path, interface, method, arguments, invocation):
    invocation.return_value(GLib.Variant('(s)', ('heard ' + arguments[0],)))
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
bus.register_object('/test', Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0], called)
Gio.bus_own_name_on_connection(bus, sys.argv[1], 0, lambda *_: print('ready', flush=True))
GLib.MainLoop().run()
"#;

/// A session with a bus and a screen, and what runs in it outside of every sandbox.
struct Session {
    display: Display,
    scratch: Scratch,
    running: Vec<Child>,
}

impl Session {
    fn start() -> Self {
        Self { display: Display::start(), scratch: Scratch::home(), running: Vec::new() }
    }

    /// Starts a program of the desktop's, and waits until its name is on the bus.
    fn offer(&mut self, name: &str, mut command: Command) {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(child);
        assert!(wait::until(LAUNCH, || self.is_there(name)), "{name} does not come");
    }

    fn is_there(&self, name: &str) -> bool {
        let mut ask = self.display.host("gdbus");
        ask.args(["call", "--session", "--dest", "org.freedesktop.DBus"]);
        ask.args(["--object-path", "/", "--method", "org.freedesktop.DBus.NameHasOwner", name]);
        String::from_utf8_lossy(&ask.output().unwrap().stdout).contains("true")
    }

    /// A service that answers `Say`.
    fn service(&mut self, name: &str) {
        let mut service = self.display.host("python3");
        service.args(["-c", SERVICE, name]);
        self.offer(name, service);
    }

    fn run(&self, via: Via) -> Arkose {
        self.display.give(Arkose::run(via)).option("dbus", "session")
    }

    /// What a program of the desktop's prints.
    fn outside(&self, words: &[&str]) -> String {
        let mut command = self.display.host(words[0]);
        let output = command.args(&words[1..]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Each family of bindings: how it calls `Say` of a service.
const CLIENTS: &[(&str, &str)] = &[
    (
        "GDBus",
        "gdbus call --session --dest NAME --object-path /test --method org.example.Test.Say WORD",
    ),
    (
        "sd-bus",
        "busctl --user --address=$DBUS_SESSION_BUS_ADDRESS call NAME /test org.example.Test Say s WORD",
    ),
    (
        "libdbus",
        "dbus-send --session --print-reply --dest=NAME /test org.example.Test.Say string:WORD",
    ),
    (
        "dbus-python",
        "python3 -c 'import dbus; print(dbus.SessionBus().get_object(\"NAME\", \"/test\").Say(\"WORD\", dbus_interface=\"org.example.Test\"))'",
    ),
    ("dbus-next", "python3 /tmp/next.py NAME WORD"),
];

/// A client of dbus-next, which needs some lines more.
const NEXT: &str = r"
import asyncio, sys
from dbus_next.aio import MessageBus
async def main():
    bus = await MessageBus().connect()
    node = await bus.introspect(sys.argv[1], '/test')
    test = bus.get_proxy_object(sys.argv[1], '/test', node).get_interface('org.example.Test')
    print(await test.call_say(sys.argv[2]))
asyncio.run(main())
";

both_ways! {
    fn every_family_of_bindings_reaches_what_it_may_and_nothing_else(via) {
        let mut session = Session::start();
        session.service("org.example.Test");
        session.service("org.example.Other");
        let mut script = format!("cat >/tmp/next.py <<'END'\n{NEXT}\nEND\n");
        for name in ["org.example.Test", "org.example.Other"] {
            for (family, call) in CLIENTS {
                let call = call.replace("NAME", name).replace("WORD", family);
                script.push_str(&format!("echo \"== {family} $({call} 2>&1 | tr '\\n' ' ')\"\n"));
            }
        }
        let said = session.run(via).option("dbus-talk", "org.example.Test").shell(&script).prints();
        let lines: Vec<&str> = said.split("== ").skip(1).collect();
        assert_eq!(lines.len(), 2 * CLIENTS.len(), "{said}");
        for (index, (family, _)) in CLIENTS.iter().enumerate() {
            assert!(lines[index].contains(&format!("heard {family}")), "{said}");
            let other = lines[index + CLIENTS.len()];
            let told = ["ServiceUnknown", "not provided by any", "NameHasNoOwner", "was not found"];
            assert!(!other.contains("heard") && told.iter().any(|told| other.contains(told)), "{other}");
        }
    }

    fn nobody_listens_to_the_bus(via) {
        let mut session = Session::start();
        session.service("org.example.Test");
        for (program, refusal) in [
            ("busctl --user --address=$DBUS_SESSION_BUS_ADDRESS monitor", "denied"),
            ("dbus-monitor --session", "AccessDenied"),
        ] {
            let outcome = session.run(via).option("dbus-talk", "*").shell(&format!("timeout 20 {program} 2>&1 </dev/null | head -n 3")).output();
            assert!(outcome.text().to_lowercase().contains(&refusal.to_lowercase()), "{program}: {outcome}");
        }
    }

    fn a_notification_is_shown_where_the_preset_lets_it(via) {
        let mut session = Session::start();
        let mut dunst = session.display.host("dunst");
        dunst.env("XDG_CONFIG_HOME", session.scratch.path());
        session.offer("org.freedesktop.Notifications", dunst);
        let shown = |session: &Session| session.outside(&["dunstctl", "count", "displayed"]);
        let refused = session.run(via).command(["notify-send", "hidden"]).output();
        assert_ne!(refused.code(), 0, "{refused}");
        assert_eq!(shown(&session), "0");
        let call = session.run(via).option("dbus-preset", "notifications");
        let outcome = call.command(["notify-send", "--print-id", "shown", "words"]).output();
        assert!(outcome.success().parse::<u32>().is_ok(), "{outcome}");
        assert!(wait::until(LAUNCH, || shown(&session) == "1"), "{}", shown(&session));
    }

    fn a_keyring_opens_for_who_was_allowed_and_for_nobody_else(via) {
        let mut session = Session::start();
        let mut keyring = session.display.host("gnome-keyring-daemon");
        keyring.args(["--foreground", "--components=secrets", "--unlock"]);
        keyring.arg(format!("--control-directory={}", session.scratch.directory("control").display()));
        keyring.env("XDG_DATA_HOME", session.scratch.directory("data")).stdin(Stdio::piped());
        let mut child = keyring.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a password").unwrap();
        session.running.push(child);
        assert!(wait::until(LAUNCH, || session.is_there("org.freedesktop.secrets")));
        for (answer, came) in [("no", ""), ("launch", "word")] {
            let call = session.run(via).option("dbus-preset", "secrets").shell(&format!("printf word | secret-tool store --label=kept app {answer} 2>&1; secret-tool lookup app {answer}"));
            let mut call = asking(&session, call, answer);
            let outcome = Outcome::of(&mut call);
            assert!(outcome.text().ends_with(came), "{answer}: {outcome}");
            assert_eq!(session.outside(&["secret-tool", "lookup", "app", answer]), came, "{answer}: {outcome}");
        }
        let outcome = session.run(via).command(["secret-tool", "lookup", "app", "launch"]).output();
        assert!(outcome.code() != 0 && !outcome.text().contains("word"), "{outcome}");
    }

    fn an_app_is_one_instance_and_is_called_by_its_name(via) {
        let session = Session::start();
        let script = format!("cat >/tmp/app.py <<'END'\n{APP}\nEND\npython3 /tmp/app.py first & while ! gdbus call --session --dest org.example.App --object-path /org/example/App --method org.freedesktop.DBus.Peer.Ping >/dev/null 2>&1; do :; done; python3 /tmp/app.py second; wait");
        let mut running = session.run(via).option("dbus-own", "org.example.App").option("xserver", "direct").shell(&script).start();
        let mut lines = running.lines();
        lines.expect_line("first is activated");
        // By the second, which ends.
        lines.expect_line("first is activated");
        let called = session.outside(&["gdbus", "call", "--session", "--dest", "org.example.App", "--object-path", "/org/example/App", "--method", "org.freedesktop.Application.ActivateAction", "end", "[]", "{}"]);
        assert_eq!(called, "()");
        assert_eq!(running.finish().code(), 0);
        let refused = session.run(via).option("xserver", "direct").shell(&format!("cat >/tmp/app.py <<'END'\n{APP}\nEND\npython3 /tmp/app.py first")).output();
        assert!(refused.code() != 0 && !refused.text().contains("activated"), "{refused}");
    }
}

/// A GTK 4 application with a window and an action that ends it.
const APP: &str = r#"
import sys, gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gio, Gtk
app = Gtk.Application(application_id="org.example.App")
def activate(app):
    print(sys.argv[1], "is activated", flush=True)
    (app.get_active_window() or Gtk.ApplicationWindow(application=app)).present()
app.connect("activate", activate)
end = Gio.SimpleAction(name="end")
end.connect("activate", lambda *_: app.quit())
app.add_action(end)
sys.exit(app.run([]))
"#;

fn asking(session: &Session, call: Arkose, answer: &str) -> Command {
    let (variable, script) = prompter::put(&session.scratch, answer);
    call.env("PROMPT", variable).on_changed_host(&script)
}
