//! Light walls: Landlock and the filter alone between the app and the system that it stays on. What
//! neither decides about is attacked most.

use arkose_tests::arkose::{Quiet, busy, quiet};
use arkose_tests::host::{self, descendants};
use arkose_tests::machine::{self, machine};
use arkose_tests::registry::Place;
use arkose_tests::wait::{self, LAUNCH};
use arkose_tests::{Arkose, Inventory, Outcome, Running, Scratch};
use nix::sys::signal::{Signal, kill};
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const PROBE: &str = include_str!("probes/light.py");
const CALLS: &str = include_str!("probes/calls.py");
const ALONE: &str = include_str!("probes/alone.py");

/// `arkose run` with light walls.
fn light() -> Arkose {
    Arkose::call(["run", "--walls", "light"])
}

/// The same in a runtime directory of the test's own, with an app that says when it is ready.
fn listed(place: &Place, script: &str) -> (Running, String) {
    let call = light().env("XDG_RUNTIME_DIR", place.path());
    let mut running =
        call.shell(&format!("{script}\necho ready; while :; do sleep 600; done")).start();
    running.lines().expect_line("ready");
    let id = place.id(&running);
    (running, id)
}

/// A local socket that is connected to nobody yet.
fn free_socket() -> OwnedFd {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap()
}

/// Whether this kernel can have light walls; says why not.
fn possible(name: &str) -> bool {
    let _busy = busy();
    let ask = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))";
    let output = machine().as_user("/usr/bin/python3").args(["-c", ask]).output().unwrap();
    let abi: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0);
    if abi < 6 {
        machine::skip(
            name,
            &format!("this kernel has Landlock's ABI {abi}, and light walls need 6"),
        );
    }
    abi >= 6
}

macro_rules! tests {
    ($(fn $name:ident() $body:block)+) => {$(
        #[test]
        fn $name() {
            if possible(stringify!($name)) $body
        }
    )+};
}

/// The host for this test alone, and what is on it.
fn alone() -> (Quiet, Inventory) {
    let quiet = quiet();
    // The first launch makes the directory of all sandboxes, which stays.
    assert_eq!(light().command(["true"]).output_alone(&quiet).code(), 0);
    let before = Inventory::take();
    (quiet, before)
}

/// A process of the test user, with a secret in its environment.
fn neighbour() -> Child {
    machine()
        .as_user("sleep")
        .arg("600")
        .env("SECRET", "of the neighbour")
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A sandbox with daemons of every kind in it, one of which ignores whatever can be ignored.
fn running(quiet: &Quiet) -> Running {
    let script = "
trap '' HUP INT TERM
setsid sleep 600 & (setsid sh -c 'sleep 601 & sleep 602 &' &)
python3 -c 'import os, signal, time
for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(s, signal.SIG_IGN)
os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(603)' >/dev/null &
sleep 604 & sleep 605 & p=$!
until [ $(cat /proc/[0-9]*/stat 2>/dev/null | grep -cE '\\((sleep|python3)\\) [ST] ') -ge 6 ]; do :; done
kill -STOP $p; echo ready; read line; exit 3";
    let mut running = light().shell(script).start_alone(quiet);
    running.lines().expect_line("ready");
    running
}

tests! {
    fn an_app_runs_with_its_own_places_and_its_own_status() {
        let outcome = light().shell(r#"id -u; case $HOME in */arkose/*/home) ;; *) echo "HOME=$HOME";; esac
            echo kept >~/file; echo kept >$TMPDIR/file; echo kept >$XDG_RUNTIME_DIR/file; cat ~/file; cat /etc/passwd >/dev/null; exit 7"#).output();
        assert_eq!(outcome.code(), 7, "{outcome}");
        assert_eq!(outcome.text(), format!("{}\nkept", machine().uid));
        assert_eq!(light().command(["no-such-command"]).output().code(), 127);
        assert_eq!(light().shell("kill -9 $$").output().code(), 137);
    }

    fn nothing_comes_of_what_is_attempted() {
        let _busy = busy();
        let home = Scratch::home();
        let secret = home.directory("secret");
        let (hidden, readable) = (home.file("secret/file", "a secret"), home.file("readable/file", "words"));
        let readable_dir = readable.parent().unwrap();
        let listener = UnixListener::bind(readable_dir.join("stream")).unwrap();
        let datagrams = UnixDatagram::bind(readable_dir.join("datagrams")).unwrap();
        listener.set_nonblocking(true).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let mut outside = neighbour();
        let before = [&hidden, &readable].map(|file| {
            let m = file.metadata().unwrap();
            (m.mode(), m.uid(), m.mtime_nsec(), m.ctime_nsec(), m.len(), m.nlink())
        });
        // Something to find by number and by name.
        let make = "import ctypes; c = ctypes.CDLL(None); c.shmget(0x41524B4F, 4096, 0o1600); c.semget(0x41524B4F, 1, 0o1600); c.msgget(0x41524B4F, 0o1600)";
        assert!(machine().as_user("/usr/bin/python3").args(["-c", make]).status().unwrap().success());
        let outcome = light().option("bind-read-only", readable_dir).directory(&secret)
            .command(["/usr/bin/python3", "-c", PROBE]).command_arguments([secret.as_os_str(), readable_dir.as_os_str()])
            .command_arguments([outside.id().to_string()]).output();
        let alive = outside.try_wait().unwrap().is_none();
        outside.kill().unwrap();
        outside.wait().unwrap();
        let _ = machine().as_user("ipcrm").args(["-M", "0x41524B4F", "-S", "0x41524B4F", "-Q", "0x41524B4F"]).status();
        assert_eq!(outcome.text(), "end", "{outcome}");
        assert!(alive, "{outcome}");
        let after = [&hidden, &readable].map(|file| {
            let m = file.metadata().unwrap();
            (m.mode(), m.uid(), m.mtime_nsec(), m.ctime_nsec(), m.len(), m.nlink())
        });
        assert_eq!(before, after, "{outcome}");
        assert!(listener.accept().is_err() && datagrams.recv(&mut [0; 8]).is_err(), "{outcome}");
        assert_eq!(fs::read_dir(&secret).unwrap().count(), 1);
    }

    fn a_home_that_is_not_below_home_is_closed_as_well() {
        let home = Scratch::system();
        let (secret, shared) = (home.file("secret/file", "a secret"), home.file("shared/file", "words"));
        let call = || light().env("HOME", home.path()).directory(home.path());
        let seen = call().shell(&format!("cat {} 2>&1 | grep -o denied; ls {} 2>&1 | grep -o denied; test $PWD = $HOME && echo away",
            secret.display(), home.path().display())).prints();
        assert_eq!(seen, "denied\ndenied\naway");
        // What of it is shared is there all the same.
        let shared = shared.parent().unwrap();
        assert_eq!(call().option("bind-read-only", shared).shell(&format!("cat {0}/file; cat {1}/secret/file 2>/dev/null", shared.display(), home.path().display())).output().text(), "words");
        assert!(light().env("HOME", "/").command(["true"]).output().refusal().contains("cannot be a home directory"));
    }

    fn a_socket_that_could_be_connected_is_no_standard_descriptor() {
        let _busy = busy();
        let home = Scratch::home();
        let listener = UnixListener::bind(home.join("stream")).unwrap();
        let datagrams = UnixDatagram::bind(home.join("datagrams")).unwrap();
        listener.set_nonblocking(true).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        for name in ["stream", "datagrams"] {
            fs::set_permissions(home.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        }
        let script = "import socket, sys
s = socket.socket(fileno=0)
try: s.connect(sys.argv[1])
except OSError: pass
try: s.sendto(b'x', sys.argv[2])
except OSError: pass";
        for socket in [free_socket(), UnixDatagram::unbound().unwrap().into(), UnixDatagram::pair().unwrap().0.into()] {
            let call = light().command(["/usr/bin/python3", "-c", script]).command_arguments([home.join("stream"), home.join("datagrams")]);
            let said = call.start_reading(File::from(socket)).finish().refusal();
            assert!(said.contains("not connected"), "{said}");
        }
        assert!(listener.accept().is_err() && datagrams.recv(&mut [0; 8]).is_err());
        // One that is connected stays so.
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        let outcome = light().command(["cat"]).start_reading(File::from(OwnedFd::from(theirs))).finish();
        assert_eq!(outcome.success(), "", "{outcome}");
    }

    fn what_runs_is_listed_with_its_own_processes_alone() {
        let place = Place::new();
        let mut outside = neighbour();
        let (running, id) = listed(&place, "sleep 601 & setsid sleep 602 &");
        let listed = place.listed(&running);
        let info: serde_json::Value = serde_json::from_str(&place.call(["info", "--json", &id]).prints()).unwrap();
        let told: Vec<_> = info["tree"].as_array().unwrap().iter().map(|one| one["command"].to_string()).collect();
        assert_eq!((&listed["way"], &listed["processes"]), (&"user".into(), &told.len().into()), "{listed}");
        assert!(told.len() == 4 && told[0].contains("sh -c") && told[1..].iter().all(|one| one.starts_with("\"sleep 60")), "{told:?}");
        let text = place.call(["info", &id]).prints();
        assert!(text.contains("sleep 602") && text.contains("runs on the system itself"), "{text}");
        assert_eq!(place.call(["stop", &id, "--grace", "0"]).output().success(), "");
        assert!(outside.try_wait().unwrap().is_none());
        outside.kill().unwrap();
        outside.wait().unwrap();
        assert_ne!(running.finish().code(), 0);
    }

    fn stop_ends_one_and_no_other() {
        let place = Place::new();
        let ((first, id), (other, others)) = (listed(&place, "setsid sleep 600 &"), listed(&place, ""));
        let inside = descendants(first.pid());
        assert!(inside.len() >= 4, "{inside:?}");
        assert_eq!(place.call(["stop", &id]).output().success(), "");
        // When it says so, it is so.
        let left: Vec<_> = inside.iter().filter(|(pid, _)| host::runs(*pid)).collect();
        assert!(left.is_empty() && !place.dir(&id).exists(), "{left:?}");
        assert_eq!(first.finish().code(), 143);
        assert_eq!(place.id(&other), others);
        assert_eq!(place.call(["enter", &others]).shell("echo alive").prints(), "alive");
    }

    fn stop_waits_for_the_end_where_the_supervisor_hangs() {
        let place = Place::new();
        let (running, id) = listed(&place, "trap '' TERM; for i in $(seq 200); do setsid sleep 600 & done");
        // Who cleans up behind a killed supervisor looks a few times more.
        let inside: Vec<_> = descendants(running.pid()).into_iter().filter(|(_, name)| name != "exe").collect();
        let stop = format!("while kill -STOP {} 2>/dev/null; do sleep 0.001; done", running.pid());
        let mut stopper = Command::new("sh").args(["-c", &stop]).spawn().unwrap();
        let outcome = place.call(["stop", &id, "--grace", "0"]).output();
        let left: Vec<_> = inside.iter().filter(|(pid, _)| host::runs(*pid)).collect();
        stopper.kill().unwrap();
        stopper.wait().unwrap();
        assert!(outcome.success().is_empty() && left.is_empty() && inside.len() > 200, "{left:?} of {}", inside.len());
    }

    fn what_enters_has_the_walls_of_the_app() {
        let place = Place::new();
        let home = Scratch::home();
        let secret = home.file("secret", "a secret");
        let who = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status; env | grep -vE '^(TERM|COLORTERM|PWD|OLDPWD|SHLVL|_)=' | sort";
        let (running, id) = listed(&place, &format!("({who}) >~/who"));
        assert_eq!(place.call(["enter", &id]).shell(who).prints(), place.call(["enter", &id]).shell("cat ~/who").prints());
        let mut outside = neighbour();
        let tries = format!("cat {0} 2>&1 | grep -o denied; cd {1} && ls 2>&1 | grep -o denied; kill {2} 2>/dev/null || echo safe; cat /proc/{2}/environ 2>/dev/null
python3 -c 'import socket; socket.socket(socket.AF_UNIX)' 2>/dev/null || echo no socket; chmod 700 ~ 2>/dev/null || echo no mode
for f in /proc/self/fd/*; do n=${{f##*/}}; [ $n -gt 2 ] && readlink $f; done | grep -v /proc; true", secret.display(), home.path().display(), outside.id());
        let call = place.call(["enter", &id]).directory(home.path());
        assert_eq!(call.shell(&tries).prints(), "denied\ndenied\nsafe\nno socket\nno mode");
        assert!(outside.try_wait().unwrap().is_none());
        outside.kill().unwrap();
        outside.wait().unwrap();
        let refusal = place.call(["enter", &id]).command(["true"]).start_reading(File::from(free_socket())).finish().refusal();
        assert!(refusal.contains("not connected"), "{refusal}");
        // What it leaves behind ends with the app at the latest.
        assert_eq!(place.call(["enter", &id]).shell("setsid sleep 603 >/dev/null 2>&1 & sleep 0.1").prints(), "");
        let left = descendants(running.pid());
        assert!(left.iter().any(|(_, name)| name == "sleep"), "{left:?}");
        running.signal(Signal::SIGKILL);
        running.finish_killed();
        assert!(wait::until(LAUNCH, || !left.iter().any(|(pid, _)| host::runs(*pid))));
    }

    fn who_entered_ends_with_the_app_and_at_once() {
        let place = Place::new();
        let (running, id) = listed(&place, "");
        let mut entered = place.call(["enter", &id]).shell("trap '' TERM HUP INT; setsid sleep 600 & echo ready; while :; do sleep 600; done").start();
        entered.lines().expect_line("ready");
        let inside = descendants(running.pid());
        let begin = Instant::now();
        assert_eq!(place.call(["stop", &id, "--grace", "0"]).output().success(), "");
        assert!(!inside.iter().any(|(pid, _)| host::runs(*pid)), "{inside:?}");
        assert_ne!(entered.finish().code(), 0);
        assert!(begin.elapsed() < LAUNCH / 10);
        drop(running.finish());
    }

    fn light_walls_are_named_where_nothing_else_can_be_had() {
        let run = |options: &[&str]| {
            let call = options.iter().fold(Arkose::call(["run"]), Arkose::arg).command(["true"]).into_command();
            let mut command = Command::new("/usr/bin/python3");
            command.args(["-c", ALONE]).arg(call.get_program()).args(call.get_args()).env_clear().stdin(Stdio::null()).current_dir("/");
            command.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
            Outcome::of(&mut command)
        };
        if run(&["--via", "user"]).said().contains("either") {
            return machine::skip("light_walls_are_named_where_nothing_else_can_be_had", "root makes no namespaces here");
        }
        for options in [&[][..], &["--root", "read-only", "--network", "direct"]] {
            let said = run(options).refusal();
            assert!(said.contains("not installed") && said.contains("--walls light --root read-only"), "{said}");
        }
        // What it names is so.
        assert_eq!(run(&["--walls", "light", "--root", "read-only"]).code(), 0);
        for options in [&["--home", "direct"][..], &["--runas", "root"], &["--dbus", "session"], &["--cow", "/etc"], &["--user-namespaces"]] {
            let said = run(options).refusal();
            assert!(!said.contains("light"), "{options:?}: {said}");
        }
    }

    fn what_is_shared_is_changed_or_read_as_it_was_given() {
        let _busy = busy();
        let home = Scratch::home();
        let (shared, file) = (home.directory("shared"), home.file("single", "one"));
        home.file("shared/inner/file", "inner");
        let script = r#"cat "$1/inner/file"; echo >>"$1/inner/file"; mv "$1/inner/file" "$1/moved"; mkdir "$1/made"; ln "$1/moved" "$1/linked"; echo two >"$2"; ls "$1/.." 2>/dev/null; echo"#;
        let seen = light().option("bind", &shared).option("bind", &file)
            .command(["sh", "-c", script, "sh"]).command_arguments([&shared, &file]).prints();
        assert_eq!(seen, "inner");
        assert!(home.has("shared/linked") && home.has("shared/made") && !home.has("shared/inner/file"));
        assert_eq!(home.read("single"), "two\n");
    }

    fn no_network_by_landlock_alone_either() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Sockets that the caller made: the filter has nothing to say about them any more.
        let script = format!("import socket
s = socket.socket(fileno=0)
print(s.connect_ex(('127.0.0.1', {port})))");
        let socket = nix::sys::socket::socket(nix::sys::socket::AddressFamily::Inet, nix::sys::socket::SockType::Stream, nix::sys::socket::SockFlag::empty(), None).unwrap();
        let outcome = light().command(["/usr/bin/python3", "-c", &script]).start_reading(File::from(socket)).finish();
        assert_eq!(outcome.success(), "13", "{outcome}");
        let script = "import socket; socket.socket(fileno=0).bind(('127.0.0.1', 0))";
        let socket = nix::sys::socket::socket(nix::sys::socket::AddressFamily::Inet, nix::sys::socket::SockType::Stream, nix::sys::socket::SockFlag::empty(), None).unwrap();
        let outcome = light().command(["/usr/bin/python3", "-c", script]).start_reading(File::from(socket)).finish();
        assert_ne!(outcome.code(), 0, "{outcome}");
        // With the host's network it is reached, and local sockets are not.
        let script = format!("import socket
print(socket.create_connection(('127.0.0.1', {port})) and 'reached')
try: socket.socket(socket.AF_UNIX)
except OSError as error: print(error.errno)");
        assert_eq!(light().option("network", "direct").command(["/usr/bin/python3", "-c", &script]).prints(), "reached\n97");
    }

    fn no_32_bit_program_gets_round_the_filter() {
        let calls = "getpid i386 20\nsocketcall i386 102 1 0\nipc i386 117 23 0 0 0 0\nchmod i386 15 0 0\nx32 native 0x40000027\n";
        let outcome = light().command(["/usr/bin/python3", "-c", CALLS]).input(calls).output();
        assert!(outcome.success().lines().all(|line| line.ends_with(" 38")), "{outcome}");
    }

    fn a_private_home_is_kept_and_an_empty_one_is_not() {
        let quiet = quiet();
        let profile = Scratch::home();
        let file = profile.file("light-test.toml", "command = [\"true\"]\nwalls = \"light\"\n[files]\nroot = \"read-only\"\nhome = \"private\"\n");
        let run = || Arkose::call(["run", "--profile"]).arg(&file);
        let first = run().shell("echo kept >~/file; cat ~/file; echo $HOME").output_alone(&quiet).success();
        let again = run().shell("cat ~/file; cat $TMPDIR/file 2>/dev/null; echo $HOME").output_alone(&quiet).success();
        let kept = first.lines().nth(1).unwrap().to_owned();
        assert!(kept.ends_with("/homes/light-test"), "{kept}");
        let _ = fs::remove_dir_all(&kept);
        assert_eq!(first, again);
    }

    fn what_light_walls_cannot_do_is_refused() {
        let _busy = busy();
        let home = Scratch::home();
        home.file("outer/inner/file", "");
        let (outer, inner) = (home.join("outer"), home.join("outer/inner"));
        let home = machine().home.clone();
        let link = Scratch::home();
        std::os::unix::fs::symlink(home.join(".config"), link.join("link")).unwrap();
        let refusal = |call: Arkose| call.command(["true"]).output().refusal();
        for option in [["--runas", "root"], ["--xserver", "isolated"], ["--wayland", "direct"], ["--dbus", "session"], ["--home", "cow"],
            ["--home", "direct"], ["--cow", "/etc"], ["--cow-size", "1M"]] {
            let said = refusal(light().arg(option[0]).arg(option[1]));
            assert!(said.contains("walls = light"), "{option:?}: {said}");
        }
        assert!(refusal(light().arg("--pulseaudio")).contains("walls = light"));
        assert!(refusal(light().arg("--user-namespaces")).contains("walls = light"));
        assert!(refusal(light().option("root", "cow")).contains("files.root"));
        assert!(refusal(light().option("via", "helper")).contains("need no root"));
        assert!(refusal(light().option("hostname", "other")).contains("stays on this computer"));
        // Arkose's own directories, by their names and through a link; what hides; what would be read-only.
        for shared in [home.clone(), home.join(".config"), home.join(".config/arkose"), home.join(".local/share"), machine().runtime.clone(), link.join("link")] {
            if shared.exists() {
                let said = refusal(light().option("bind-read-only", &shared));
                assert!(said.contains("light walls") || said.contains("Arkose's own"), "{}: {said}", shared.display());
            }
        }
        assert!(refusal(light().option("bind", &outer).option("restrict", &inner)).contains("hide nothing below it"));
        assert!(refusal(light().option("bind", &outer).option("bind-read-only", &inner)).contains("cannot be read-only below"));
        // What is the kernel's is given as a whole.
        for own in ["/proc/cpuinfo", "/sys/class", "/dev/null"] {
            assert!(refusal(light().option("restrict", own)).contains("cannot be "), "{own}");
        }
        // Hidden where nothing of it was given is no contradiction.
        let seen = light().option("restrict", "/etc/passwd").option("restrict", &outer).shell("cat /etc/passwd 2>&1 | head -c 40; cat /etc/group >/dev/null && echo; echo read").prints();
        assert!(seen.contains("Permission denied") || seen.starts_with("cat: /etc/passwd"), "{seen}");
        assert!(seen.ends_with("read"), "{seen}");
    }

    fn a_terminal_is_passed_on_and_nothing_can_be_typed_into_it() {
        let script = r#"tty; stty size; test -t 0 && echo read-write >/dev/tty; python3 -c 'import fcntl
for c in (0x5412, 0x541c):
    try: print("typed", fcntl.ioctl(0, c, b"x"))
    except OSError as e: print("refused", e.errno)'"#;
        let words = format!("stty rows 33 cols 77; exec {} run --walls light --root read-only -- sh -c \"$SCRIPT\"", machine().programs.join("arkose").display());
        let mut command = machine().as_user("script");
        command.args(["-qec", &words, "/dev/null"]).env("SCRIPT", script);
        let outcome = Outcome::of(&mut command);
        let text = outcome.text().replace('\r', "").replace("^@", "");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].contains("/dev/pts/"), "{outcome}");
        assert_eq!(lines[1..], ["33 77", "read-write", "refused 1", "refused 1"], "{outcome}");
    }

    fn explain_and_plan_say_which_walls_there_are() {
        let explained = |walls: &str| Arkose::call(["explain", "--root", "read-only", "--walls", walls]).prints();
        assert!(explained("full").contains("(walls: "), "{}", explained("full"));
        let light = explained("light");
        for word in ["whether something is there", "arguments of all programs", "local sockets", "permissions"] {
            assert!(light.contains(word), "{word}: {light}");
        }
        let light = Arkose::call(["explain", "--root", "read-only", "--walls", "light", "--restrict", "/opt/closed"]).prints();
        assert!(light.contains("open nothing of /opt/closed") && !light.contains("finds /opt/closed"), "{light}");
        let plan = Arkose::call(["plan", "--root", "read-only", "--walls", "light"]).prints();
        assert!(plan.contains("walls: light") && plan.contains("to use     /usr\n") && plan.contains("to read    /proc\n"), "{plan}");
        assert!(!plan.contains("/home/") && !plan.contains("/dev/pts") && !plan.contains("/var/tmp"), "{plan}");
    }

    fn whatever_is_killed_nothing_is_left() {
        let (quiet, before) = alone();
        let names = {
            let running = running(&quiet);
            let names: Vec<_> = descendants(running.pid()).into_iter().map(|(_, name)| name).collect();
            running.signal(Signal::SIGKILL);
            running.finish_killed();
            before.restored();
            names
        };
        assert!(names.iter().any(|name| name.contains("warden")) && names.iter().any(|name| name.contains("sandbox")), "{names:?}");
        let ours: Vec<_> = names.into_iter().filter(|name| name.starts_with("arkose")).collect();
        for victim in ours {
            let running = running(&quiet);
            let (pid, _) = descendants(running.pid()).into_iter().find(|(_, name)| *name == victim).unwrap();
            println!("killing {victim}");
            kill(pid, Signal::SIGKILL).unwrap();
            if victim.contains("warden") || victim.contains("sandbox") {
                let outcome = running.finish();
                assert_ne!(outcome.code(), 0, "after the death of {victim}: {outcome}");
            } else {
                running.signal(Signal::SIGKILL);
                running.finish_killed();
            }
            before.restored();
        }
    }

    fn what_fled_into_the_background_ends_with_the_command() {
        let (quiet, before) = alone();
        // Its input is closed, and so the command ends.
        let outcome = running(&quiet).finish();
        assert_eq!(outcome.code(), 3, "{outcome}");
        before.restored();
        let outcome = light().shell("setsid -f sleep 600 >/dev/null 2>&1; exit 3").output_alone(&quiet);
        assert_eq!(outcome.code(), 3, "{outcome}");
        before.restored();
    }

    fn a_bomb_of_processes_ends_with_the_sandbox() {
        let (quiet, before) = alone();
        // Each child makes the next and ends, as fast as it can, in sixteen chains; ten thousand at most.
        let bomb = "import os, time
os.write(1, b'armed\\n')
for chain in range(16):
    if os.fork() == 0:
        os.setsid()
        for n in range(600):
            if os.fork(): os._exit(0)
        time.sleep(600)
time.sleep(600)";
        for signal in [Signal::SIGKILL, Signal::SIGTERM] {
            let mut running = light().command(["/usr/bin/python3", "-c", bomb]).start_alone(&quiet);
            running.lines().expect_line("armed");
            running.signal(signal);
            match signal {
                Signal::SIGKILL => running.finish_killed(),
                _ => drop(running.finish()),
            }
            before.restored();
        }
    }

    fn what_an_app_makes_of_its_places_is_removed() {
        let (quiet, before) = alone();
        let script = r#"cd ~ && mkdir -m 300 closed closed/inner && i=0; while [ $i -lt 150 ]; do mkdir d && cd d; i=$((i+1)); done; mkfifo pipe; ln -s / link; cd $TMPDIR && mkdir -m 0 none"#;
        assert_eq!(light().shell(script).output_alone(&quiet).code(), 0);
        before.restored();
    }

    fn it_goes_on_as_long_as_something_runs_where_that_is_wanted() {
        let quiet = quiet();
        let profile = Scratch::home();
        let file = profile.file("lingering.toml", "command = [\"sh\", \"-c\", \"(sleep 0.3; echo later) & exit 4\"]\nwalls = \"light\"\n[files]\nroot = \"read-only\"\n");
        let outcome = Arkose::call(["launch"]).arg(&file).output_alone(&quiet);
        assert_eq!((outcome.code(), outcome.text().as_str()), (4, "later"), "{outcome}");
    }
}

/// A program with light walls reads a descriptor that it was given, and opens it again as it is.
#[test]
fn descriptors_are_passed_on() {
    if !possible("descriptors_are_passed_on") {
        return;
    }
    let _busy = busy();
    let home = Scratch::home();
    let file = home.file("input", "words");
    let script = "cat; cat /proc/self/fd/0; (echo x >>/proc/self/fd/0) 2>/dev/null && echo written; echo end";
    let outcome = light().shell(script).start_reading(File::open(&file).unwrap()).finish();
    assert_eq!(outcome.success(), "wordswordsend", "{outcome}");
}
