//! The message buses by rules: what an app reaches there, who is asked, what is told, and that a
//! question without an answer is a no.

use arkose_tests::arkose::{Quiet, quiet};
use arkose_tests::bus::Bus;
use arkose_tests::host::{descendants, runs};
use arkose_tests::machine::machine;
use arkose_tests::prompter;
use arkose_tests::wait::{self, LAUNCH, Lines};
use arkose_tests::{Arkose, Display, Inventory, Outcome, Scratch, Terminal, Via, both_ways};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A service with one method, which says what it was told.
const SERVICE: &str = r#"
from gi.repository import Gio, GLib
xml = "<node><interface name='org.example.Test'><method name='Say'><arg type='s' direction='in'/><arg type='s' direction='out'/></method></interface></node>"
def called(connection, sender, path, interface, method, arguments, invocation):
    invocation.return_value(GLib.Variant('(s)', ('heard ' + arguments[0],)))
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
bus.register_object('/test', Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0], called)
Gio.bus_own_name_on_connection(bus, 'org.example.Test', 0, lambda *_: print('ready', flush=True))
GLib.MainLoop().run()
"#;

/// The launcher of the accessibility bus, for which the session's own will do.
const LAUNCHER: &str = r#"
import os
from gi.repository import Gio, GLib
xml = "<node><interface name='org.a11y.Bus'><method name='GetAddress'><arg type='s' direction='out'/></method></interface></node>"
def called(connection, sender, path, interface, method, arguments, invocation):
    invocation.return_value(GLib.Variant('(s)', (os.environ['DBUS_STARTER_ADDRESS'],)))
bus = Gio.bus_get_sync(Gio.BusType.STARTER)
bus.register_object('/org/a11y/bus', Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0], called)
Gio.bus_own_name_on_connection(bus, 'org.a11y.Bus', 0)
GLib.MainLoop().run()
"#;

/// What an app finds of the accessibility bus where nobody has started one, in a session with that bus.
fn accessible(via: Via, bus: &Bus) -> Outcome {
    // There may be one for the windows of another test.
    let its = machine().runtime.join("at-spi");
    let hidden = format!("! test -d '{0}' || mount -t tmpfs tmpfs '{0}'", its.display());
    let run = Arkose::run(via).option("dbus", "session").option("dbus-preset", "accessibility");
    let run = run.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
    Outcome::of(&mut run.shell("echo ${AT_SPI_BUS_ADDRESS-none}").on_changed_host(&hidden))
}

/// Calls the service; says what came, or how it was refused.
fn say(word: &str) -> String {
    format!(
        "echo $(dbus-send --session --print-reply=literal --reply-timeout=60000 --dest=org.example.Test /test org.example.Test.Say string:{word} 2>&1 | sed 's/^ *//; s/^Error \\([^:]*\\).*/\\1/')"
    )
}

const DENIED: &str = "org.freedesktop.DBus.Error.AccessDenied";
/// The rule for exactly that call.
const CALL: &str = "org.example.Test=org.example.Test.Say@/test";

/// A session with the service.
struct Session {
    display: Display,
    service: Child,
    scratch: Scratch,
}

impl Session {
    fn start() -> Self {
        Self::with(Display::start())
    }

    fn start_alone(quiet: &Quiet) -> Self {
        Self::with(Display::start_alone(quiet))
    }

    fn with(display: Display) -> Self {
        let mut service = display.host("python3");
        service.args(["-c", SERVICE]).stdout(Stdio::piped());
        let mut service = service.spawn().expect("a service starts");
        Lines::of(service.stdout.take().unwrap()).expect_line("ready");
        Self { display, service, scratch: Scratch::home() }
    }

    fn run(&self, via: Via) -> Arkose {
        self.display.give(Arkose::run(via)).option("dbus", "session")
    }

    /// A profile that is kept, with a home of its own for this test's profiles; its override.
    fn profile(&self, text: &str) -> PathBuf {
        self.scratch.file("config/arkose/profiles/asks.toml", text)
    }

    fn launch(&self, via: Via) -> Arkose {
        let call = self.display.give(Arkose::launch(via, "asks"));
        call.env("XDG_CONFIG_HOME", self.scratch.join("config"))
    }

    /// The call with a prompter that answers so.
    fn asking(&self, call: Arkose, how: &str) -> Command {
        let (variable, script) = prompter::put(&self.scratch, how);
        call.env("PROMPT", variable).on_changed_host(&script)
    }

    /// What the prompter was asked.
    fn asked(&self) -> Vec<Value> {
        prompter::asked(&self.scratch)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

/// The process of that name below another, once it is there.
fn below(root: Pid, name: &str) -> Pid {
    let mut found = None;
    assert!(
        wait::until(LAUNCH, || {
            let all = descendants(root);
            found = all.into_iter().find(|(pid, known)| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                known.starts_with(name) && !command.windows(7).any(|part| part == b"--guard")
            });
            found.is_some()
        }),
        "{name} does not run"
    );
    found.unwrap().0
}

/// The sandbox of a supervisor.
fn id_of(supervisor: Pid) -> String {
    let mut id = None;
    assert!(wait::until(LAUNCH, || {
        let all: Value = serde_json::from_str(&Arkose::call(["ps", "--json"]).prints()).unwrap();
        let all = all.as_array().unwrap().iter();
        let mut one = all.filter(|one| one["supervisor"] == supervisor.as_raw());
        id = one.next().map(|one| one["id"].as_str().unwrap().to_owned());
        id.is_some()
    }));
    id.unwrap()
}

both_ways! {
    fn only_what_a_rule_names_is_reached(via) {
        let session = Session::start();
        let refused = session.run(via).shell(&say("a")).prints();
        assert!(!refused.contains("heard"), "{refused}");
        assert_eq!(session.run(via).option("dbus-talk", "org.example.Test").shell(&say("a")).prints(), "heard a");
        assert_eq!(session.run(via).option("dbus-call", CALL).shell(&say("b")).prints(), "heard b");
        let other = session.run(via).option("dbus-call", "org.example.Test=org.example.Test.Other").shell(&say("c")).prints();
        assert_eq!(other, DENIED);
        let denied = session.run(via).option("dbus-talk", "*").option("dbus-deny", "org.example.Test").shell(&say("d")).prints();
        assert_eq!(denied, DENIED);
    }

    fn what_is_refused_is_told_with_what_would_allow_it(via) {
        let session = Session::start();
        // Seen, and not to be talked to.
        let script = format!("{}; echo done; read line; {}; echo done; read line", say("a"), say("b"));
        let mut running = session.run(via).option("dbus-see", "org.example.Test").shell(&script).start();
        let mut lines = running.lines();
        assert!(lines.expect_line(DENIED).contains(DENIED));
        lines.expect_line("done");
        let id = id_of(running.pid());
        let log = Arkose::call(["log", &id, "--json"]).prints();
        let told: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = told.iter().find(|told| told["member"] == "Say").unwrap_or_else(|| panic!("{log}"));
        for (key, value) in [("event", "denied"), ("bus", "session"), ("id", &id), ("destination", "org.example.Test"), ("path", "/test"), ("interface", "org.example.Test")] {
            assert_eq!(told[key], value, "{told}");
        }
        let rule = told["would_allow"].as_str().unwrap().strip_prefix("call = ").unwrap();
        assert_eq!(session.run(via).option("dbus-call", rule).shell(&say("c")).prints(), "heard c");
        let plain = Arkose::call(["log", &id]).prints();
        assert!(plain.contains(&format!("--dbus-call '{rule}'")), "{plain}");
        // Whoever follows hears of what comes, and of the end.
        let mut follower = Arkose::call(["log", &id, "--json", "--follow"]).start();
        let mut followed = follower.lines();
        followed.expect_line("\"Say\"");
        use std::io::Write as _;
        running.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        followed.expect_line("\"Say\"");
        lines.expect_line("done");
        assert_eq!(running.finish().code(), 1);
        assert_eq!(followed.next_line(), None);
        assert_eq!(follower.finish().code(), 0);
    }

    fn events_tell_what_was_refused_and_asked(via) {
        let session = Session::start();
        let events = session.scratch.file("events", "");
        let call = session.run(via).option("dbus-ask", "org.example.Test").option("events", "9").shell(&say("a"));
        let inner = session.asking(call, "no");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec \"$@\" 9>>'{}'", events.display())).arg("sh");
        command.arg(inner.get_program()).args(inner.get_args()).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let outcome = Outcome::of(command.stdin(Stdio::null()));
        assert_eq!(outcome.success(), DENIED, "{outcome}");
        let text = fs::read_to_string(&events).unwrap();
        let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let prompt = told.iter().find(|told| told["event"] == "prompt").unwrap_or_else(|| panic!("{text}"));
        assert_eq!(prompt["member"], "Say");
    }

    fn an_answer_holds_as_long_as_it_says(via) {
        let session = Session::start();
        let twice = format!("{}; {}", say("a"), say("b"));
        for (how, came, questions) in [
            ("once", "heard a\nheard b".to_owned(), 2),
            ("launch", "heard a\nheard b".to_owned(), 1),
            ("always", "heard a\nheard b".to_owned(), 1),
            // The same question is not put again at once.
            ("no", format!("{DENIED}\n{DENIED}"), 1),
            ("never", format!("{DENIED}\n{DENIED}"), 1),
        ] {
            let call = session.run(via).option("dbus-ask", "org.example.Test").shell(&twice);
            let outcome = Outcome::of(&mut session.asking(call, how));
            assert_eq!(outcome.success(), came, "{how}: {outcome}");
            let asked: Vec<Value> = session.asked().into_iter().filter(|line| line.get("question").is_some()).collect();
            assert_eq!(asked.len(), questions, "{how}: {asked:?}");
            for (key, value) in [("bus", "session"), ("destination", "org.example.Test"), ("path", "/test"), ("interface", "org.example.Test"), ("member", "Say"), ("app", "sh")] {
                assert_eq!(asked[0][key], value, "{asked:?}");
            }
            // Without a profile there is nothing in which an answer could be kept.
            assert!(asked[0].get("profile").is_none() && !asked[0]["words"].as_str().unwrap().is_empty());
        }
    }

    fn an_answer_that_is_to_last_is_written_into_the_profile(via) {
        let session = Session::start();
        let script = say("a").replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!("# mine\ncommand = [\"sh\", \"-c\", \"{script}\"]\ndbus = \"session\"\n[dbus-rules.session]\nask = [\"org.example.Test\"] # why\n");
        for (how, came, rule) in [("always", "heard a", format!("call = [\"{CALL}\"]")), ("never", DENIED, format!("deny = [\"{CALL}\"]"))] {
            let profile = session.profile(&text);
            let outcome = Outcome::of(&mut session.asking(session.launch(via), how));
            assert_eq!(outcome.success(), came, "{how}: {outcome}");
            assert_eq!(session.asked()[0]["profile"], "asks");
            let written = fs::read_to_string(&profile).unwrap();
            assert!(written.starts_with(&text) && written.contains(&rule), "{how}: {written}");
            // Nobody is asked again.
            let outcome = Outcome::of(&mut session.asking(session.launch(via), "crash"));
            assert_eq!(outcome.success(), came, "{how}: {outcome}");
            assert!(session.asked().is_empty(), "{:?}", session.asked());
        }
        // An answer for this launch leaves no trace.
        let profile = session.profile(&text);
        assert_eq!(Outcome::of(&mut session.asking(session.launch(via), "launch")).success(), "heard a");
        assert_eq!(fs::read_to_string(&profile).unwrap(), text);
    }

    fn a_question_that_nobody_answers_is_a_no(via) {
        let session = Session::start();
        let asking = || session.run(via).option("dbus-ask", "org.example.Test").shell(&say("a"));
        for how in ["crash", "nonsense", "other"] {
            let begin = Instant::now();
            let outcome = Outcome::of(&mut session.asking(asking(), how));
            assert_eq!(outcome.success(), DENIED, "{how}: {outcome}");
            assert_eq!(session.asked().len(), 1, "{how}");
            assert!(begin.elapsed() < Duration::from_secs(10), "{how}: {:?}", begin.elapsed());
        }
        // Without a display, and without a terminal, nobody can be asked.
        let begin = Instant::now();
        let outcome = Outcome::of(&mut session.asking(asking().env("DISPLAY", ""), "always"));
        assert_eq!(outcome.success(), DENIED, "{outcome}");
        assert!(session.asked().is_empty());
        assert!(begin.elapsed() < Duration::from_secs(10));
        // The window is killed while it is open.
        let mut command = session.asking(asking(), "mute");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(wait::until(LAUNCH, || !session.asked().is_empty()));
        let begin = Instant::now();
        kill(below(pid, "arkose-gtk"), Signal::SIGKILL).unwrap();
        let said = Lines::of(child.stdout.take().unwrap()).next_line();
        assert_eq!(said.as_deref(), Some(DENIED));
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    fn who_asks_and_does_not_wait_is_not_asked_about_for_long(via) {
        let session = Session::start();
        let impatient = say("a").replace("60000", "200");
        let call = session.run(via).option("dbus-ask", "org.example.Test").shell(&vec![impatient; 9].join("; "));
        let outcome = Outcome::of(&mut session.asking(call, "mute"));
        let came = outcome.success().lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(came.len() == 9 && came.iter().all(|line| line.starts_with("org.freedesktop.DBus.Error.")), "{came:?}");
        // Those that nobody was asked are refused at once.
        assert!(came[5..].iter().all(|line| line == DENIED), "{came:?}");
        let questions = session.asked().iter().filter(|line| line.get("question").is_some()).count();
        assert_eq!(questions, 5);
    }

    fn a_question_is_put_on_the_terminal_where_there_is_no_display(via) {
        let session = Session::start();
        for (key, came) in [("1", "heard a"), ("yes", DENIED), ("", DENIED), ("4", DENIED)] {
            let output = session.scratch.file("output", "");
            let call = session.run(via).option("dbus-ask", "org.example.Test").env("DISPLAY", "").shell(&say("a"));
            let inner = call.into_command();
            let mut command = Command::new("sh");
            // Nothing of the terminal is the app's; it stays open for those who look at it.
            command.arg("-c").arg(format!("exec \"$@\" </dev/null >'{}' 2>&1 3<>/dev/tty", output.display())).arg("sh");
            command.arg(inner.get_program()).args(inner.get_args()).env_clear();
            command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let mut terminal = Terminal::start_command(&command);
            terminal.shows("org.example.Test");
            terminal.shows("4 never");
            terminal.keys(&format!("{key}\n"));
            terminal.ends_with(0);
            assert_eq!(fs::read_to_string(&output).unwrap().trim(), came, "{key}");
        }
    }

    fn the_portals_are_told_who_the_app_is(via) {
        let session = Session::start();
        session.profile("command = [\"sh\", \"-c\", \"cat /.flatpak-info; echo ready; read line\"]\ndbus = \"session\"\ndbus-presets = [\"portals\"]\n");
        let mut running = session.launch(via).start();
        let mut lines = running.lines();
        lines.expect_line("name=io.github.arkose.profile.asks");
        lines.expect_line("ready");
        let proxy = below(running.pid(), "arkose-dbus-pro");
        let seen = machine().as_user("cat").arg(format!("/proc/{proxy}/root/.flatpak-info")).output().unwrap();
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(seen.contains("name=io.github.arkose.profile.asks\n"), "{seen}");
        let id = id_of(running.pid());
        assert!(seen.contains(&format!("instance-id={id}\n")), "{seen}");
        // And which process stands for it: one inside, which is gone with the app.
        let instance = machine().runtime.join(".flatpak").join(&id);
        let info = fs::read_to_string(instance.join("bwrapinfo.json")).unwrap();
        let pid = serde_json::from_str::<Value>(&info).unwrap()["child-pid"].as_i64().unwrap();
        let root = fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
        assert_ne!(root, fs::read_link("/proc/self/ns/mnt").unwrap());
        let _ = running.finish();
        assert!(instance.symlink_metadata().is_err());
        // Who reaches no portal is none of their business.
        let without = session.run(via).option("dbus-talk", "org.example.Test").shell("test ! -e /.flatpak-info && echo none").prints();
        assert_eq!(without, "none");
    }

    fn without_an_accessibility_bus_an_app_starts_and_it_is_said(via) {
        let outcome = accessible(via, &Bus::start(&[]));
        assert!(outcome.to_string().contains("goes without the accessibility bus"), "{outcome}");
        assert_eq!(outcome.text(), "none");
    }

    fn an_accessibility_bus_that_nobody_has_used_yet_is_started(via) {
        let directory = Scratch::home();
        let launcher = directory.file("launcher.py", LAUNCHER);
        let bus = Bus::start(&[("org.a11y.Bus", &format!("/usr/bin/python3 {}", launcher.display()))]);
        let outcome = accessible(via, &bus);
        assert!(outcome.success().starts_with("unix:path="), "{outcome}");
    }

    fn a_launch_without_the_proxy_is_refused(via) {
        let session = Session::start();
        let proxy = machine().programs.join("arkose-dbus-proxy");
        let gone = session.run(via).shell("echo launched").on_changed_host(&format!("mount --bind /dev/null '{}'", proxy.display()));
        let mut gone = gone;
        let refusal = Outcome::of(&mut gone).refusal();
        assert!(refusal.contains("proxy"), "{refusal}");
        let broken = format!("mount --bind /bin/false '{}'", proxy.display());
        let refusal = Outcome::of(&mut session.run(via).shell("echo launched").on_changed_host(&broken)).refusal();
        assert!(refusal.contains("proxy"), "{refusal}");
        let none = Outcome::of(&mut Arkose::run(via).shell("echo launched").on_changed_host(&broken));
        assert_eq!(none.success(), "launched");
    }

    fn a_killed_proxy_takes_the_bus_and_nothing_else(via) {
        let quiet = quiet();
        let session = Session::start_alone(&quiet);
        let before = Inventory::take();
        let script = format!("{}; echo ready; read line; {}; echo end", say("a"), say("b"));
        let mut running = session.run(via).option("dbus-talk", "org.example.Test").shell(&script).start_alone(&quiet);
        let mut lines = running.lines();
        lines.expect_line("heard a");
        lines.expect_line("ready");
        let proxy = below(running.pid(), "arkose-dbus-pro");
        kill(proxy, Signal::SIGKILL).unwrap();
        assert!(wait::until(Duration::from_secs(1), || !runs(proxy)));
        drop(running.stdin.take());
        let rest = lines.rest().join("\n");
        assert!(rest.ends_with("end") && !rest.contains("heard b"), "{rest}");
        let outcome = running.finish();
        assert_eq!(outcome.code(), 0, "{outcome}");
        assert!(outcome.said().contains("no message bus any more"), "{outcome}");
        before.restored();
    }

    fn a_killed_supervisor_takes_proxy_and_prompter_with_it(via) {
        let quiet = quiet();
        let session = Session::start_alone(&quiet);
        let call = session.run(via).option("dbus-ask", "org.example.Test").shell(&say("a"));
        let mut command = session.asking(call, "mute");
        let before = Inventory::take();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(wait::until(LAUNCH, || !session.asked().is_empty()));
        let helpers = [below(pid, "arkose-dbus-pro"), below(pid, "arkose-gtk")];
        kill(pid, Signal::SIGKILL).unwrap();
        child.wait().unwrap();
        assert!(wait::until(Duration::from_secs(1), || !helpers.iter().any(|pid| runs(*pid))));
        before.restored();
    }
}
