//! The list of sandboxes that run: what it tells, how one is ended, and that nobody who should not
//! be heard is.

use arkose_tests::arkose::quiet;
use arkose_tests::machine::machine;
use arkose_tests::registry::{Place, text};
use arkose_tests::wait::{self, LAUNCH};
use arkose_tests::{Arkose, Running, both_ways, host};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Within this time nothing is left of a sandbox whose supervisor was killed.
const GONE: Duration = Duration::from_secs(1);

/// An app that has said that it runs.
fn ready(call: Arkose) -> Running {
    let mut running = call.start();
    running.lines().expect_line("ready");
    running
}

/// One that does nothing until it is ended.
fn idle(call: Arkose) -> Running {
    ready(call.shell("echo ready; exec sleep 600"))
}

/// A directory as a sandbox has one, with the facts of another under another id.
fn forged(place: &Place, id: &str, of: &str) -> File {
    let directory = place.dir(id);
    fs::create_dir(&directory).unwrap();
    let facts = fs::read_to_string(place.dir(of).join("facts")).unwrap();
    fs::write(directory.join("facts"), facts.replace(of, id)).unwrap();
    let own = |path: &Path| chown(path, Some(machine().uid.as_raw()), None).unwrap();
    own(&directory);
    own(&directory.join("facts"));
    File::open(directory).unwrap()
}

/// The processor time that a process has used, in hundredths of a second (proc_pid_stat(5)).
fn ticks(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

both_ways! {
    fn a_sandbox_is_listed_while_it_runs(via) {
        let place = Place::new();
        assert_eq!(place.list().len(), 0);
        let running = ready(place.run(via).shell("sleep 600 & echo ready; read line"));
        let listed = place.listed(&running);
        assert_eq!((text(&listed["way"]), text(&listed["runas"])), (via.word().to_owned(), "user".to_owned()));
        assert_eq!(listed["command"][0], "sh");
        assert_eq!(listed["processes"], 2, "{listed}");
        assert!(listed["memory"].as_u64().unwrap() > 100_000, "{listed}");
        // The first process is what the host sees it as: in a pid namespace below, as number 1.
        let status = fs::read_to_string(format!("/proc/{}/status", listed["first"])).unwrap();
        assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");
        let id = text(&listed["id"]);
        let line = place.call(["ps"]).prints();
        assert!(line.lines().any(|line| line.starts_with(&id) && line.ends_with("read line")), "{line}");
        let _ = running.finish();
        assert_eq!(place.list().len(), 0);
        assert!(!place.dir(&id).exists());
    }

    fn what_ends_at_once_takes_no_place(via) {
        let quiet = quiet();
        let left = |_| {
            let place = Place::new();
            assert_eq!(place.run(via).command(["true"]).output_alone(&quiet).code(), 0);
            place.path().join("arkose").exists()
        };
        // A machine that is busy may be slow once, but not every time.
        assert!(!(0..20).all(left), "a directory was made for each of twenty short commands");
    }

    fn info_shows_the_policy_and_every_process(via) {
        let place = Place::new();
        let system = arkose_tests::Scratch::system();
        let call = place.run(via).option("bind-read-only", system.path());
        let running = ready(call.command(["bash", "-c", "(exec -a $'a\\e[2Jliar' sleep 600) & until grep -q liar /proc/$!/cmdline; do :; done; echo ready; read line"]));
        let id = place.id(&running);
        let seen = place.call(["info", &id]).prints();
        assert!(seen.contains(system.path().to_str().unwrap()), "{seen}");
        assert!(seen.contains("a\\x1b[2Jliar 600"), "{seen}");
        assert!(!seen.contains('\x1b'), "{seen}");
        let json: serde_json::Value = serde_json::from_str(&place.call(["info", &id, "--json"]).prints()).unwrap();
        assert_eq!(json["policy"]["values"]["network"]["value"], "none", "{json}");
        assert!(json["policy"]["lines"].as_array().is_some_and(|lines| lines.len() > 5), "{json}");
        let tree = json["tree"].as_array().unwrap();
        let liar = tree.iter().find(|one| text(&one["command"]).starts_with("a\\x1b")).unwrap();
        let outside = fs::read(format!("/proc/{}/cmdline", liar["pid"])).unwrap();
        assert!(outside.starts_with(b"a\x1b[2Jliar\0"), "{json}");
        assert_eq!(liar["parent"], tree[0]["pid"], "{json}");
    }

    fn an_id_may_be_shortened_as_long_as_one_is_meant(via) {
        let place = Place::new();
        let refusal = place.call(["info", "last"]).output().refusal();
        assert!(refusal.contains("no sandbox runs"), "{refusal}");
        let older = idle(place.run(via));
        let id = place.id(&older);
        let newer = idle(place.run(via));
        let newest = place.id(&newer);
        assert!(place.call(["info", "last"]).prints().contains(&newest));
        assert!(place.call(["info", &id[..7]]).prints().contains(&id));
        let twin = format!("{}{}", &id[..4], "zzzz");
        let _held = Flock::lock(forged(&place, &twin, &id), FlockArg::LockExclusive).unwrap();
        let refusal = place.call(["info", &id[..4]]).output().refusal();
        assert!(refusal.contains("several") && refusal.contains(&id) && refusal.contains(&twin), "{refusal}");
        assert!(!refusal.contains(&newest), "{refusal}");
        assert!(place.call(["info", &id]).prints().contains(&id));
        for word in ["nosuchid", "", "..", "/", "-"] {
            let refusal = place.call(["info", "--", word]).output().refusal();
            assert!(refusal.contains(&id) && refusal.contains(&newest), "{word}: {refusal}");
        }
    }

    fn a_directory_without_an_owner_is_not_listed_and_goes(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        drop(forged(&place, "zzzzzzzz", &id));
        assert_eq!(place.list().len(), 1);
        assert!(!place.dir("zzzzzzzz").exists());
        assert!(place.dir(&id).exists());
        // What belongs to nobody of ours, or makes no sense, is no sandbox either.
        let odd = forged(&place, "oddoddod", &id);
        let _held = Flock::lock(odd, FlockArg::LockExclusive).unwrap();
        fs::write(place.dir("oddoddod").join("facts"), "{\"id\":").unwrap();
        assert_eq!(place.list().len(), 1);
    }

    fn a_killed_supervisor_is_listed_no_more(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        let inside = host::descendants(running.pid());
        running.signal(Signal::SIGKILL);
        running.finish_killed();
        let dir = place.dir(&id);
        assert!(wait::until(GONE, || !dir.exists()), "its directory is left");
        assert!(wait::until(GONE, || !inside.iter().any(|(pid, _)| host::runs(*pid))), "it lives on");
        assert_eq!(place.list().len(), 0);
    }

    fn stop_asks_first(via) {
        let place = Place::new();
        let running = ready(place.run(via).shell("trap 'exit 3' TERM; sleep 600 & echo ready; wait"));
        let id = place.id(&running);
        let inside = host::descendants(running.pid());
        assert_eq!(place.call(["stop", &id]).output().success(), "");
        // When it says so, it is so.
        let left: Vec<_> = inside.iter().filter(|(pid, _)| host::runs(*pid)).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(!place.dir(&id).exists());
        assert_eq!(running.finish().code(), 3);
    }

    fn stop_ends_what_does_not_want_to(via) {
        let place = Place::new();
        let running = ready(place.run(via).shell("trap '' TERM; echo ready; while :; do sleep 600; done"));
        let id = place.id(&running);
        let inside = host::descendants(running.pid());
        let begin = Instant::now();
        assert_eq!(place.call(["stop", &id, "--grace", "1"]).output().success(), "");
        let took = begin.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
        assert!(!inside.iter().any(|(pid, _)| host::runs(*pid)));
        assert_eq!(running.finish().code(), 143);
    }

    fn all_are_stopped_at_once(via) {
        let place = Place::new();
        let script = "trap '' TERM; echo ready; while :; do sleep 600; done";
        let running: Vec<_> = (0..3).map(|_| ready(place.run(via).shell(script))).collect();
        running.iter().for_each(|one| drop(place.listed(one)));
        let begin = Instant::now();
        assert_eq!(place.call(["stop", "--all", "--grace", "1"]).output().success(), "");
        assert!(begin.elapsed() < Duration::from_secs(3), "one after the other: {:?}", begin.elapsed());
        assert_eq!(place.list().len(), 0);
        running.into_iter().for_each(|one| assert_eq!(one.finish().code(), 143));
        let refusal = place.call(["stop"]).output().refusal();
        assert!(refusal.contains("--all"), "{refusal}");
    }

    fn a_stopped_supervisor_is_listed_and_can_be_ended(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        running.signal(Signal::SIGSTOP);
        let stopped = || fs::read_to_string(format!("/proc/{}/stat", running.pid())).unwrap().contains(") T ");
        assert!(wait::until(LAUNCH, stopped));
        assert_eq!(place.list().len(), 1);
        // To look at it does not make it go on.
        let seen = place.call(["info", &id]).prints();
        assert!(seen.contains("sleep 600") && seen.contains("does not answer"), "{seen}");
        assert!(stopped());
        assert_eq!(place.call(["stop", &id]).output().success(), "");
        assert_eq!(running.finish().code(), 143);
    }

    fn a_supervisor_that_hangs_is_no_obstacle(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        let inside = host::descendants(running.pid());
        // Whenever it goes on it is stopped again.
        let stopper = Command::new("sh").args(["-c", &format!("while kill -STOP {} 2>/dev/null; do sleep 0.001; done", running.pid())]).spawn();
        let mut stopper = stopper.unwrap();
        let outcome = place.call(["stop", &id, "--grace", "0"]).output();
        stopper.kill().unwrap();
        stopper.wait().unwrap();
        assert_eq!(outcome.success(), "");
        assert!(wait::until(GONE, || !inside.iter().any(|(pid, _)| host::runs(*pid))));
    }

    fn what_happens_can_be_followed(via) {
        let place = Place::new();
        let running = ready(place.run(via).shell("trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done"));
        let id = place.id(&running);
        let mut follower = place.call(["info", "--follow", &id]).start();
        let mut lines = follower.lines();
        lines.expect_line("\"started\"");
        assert_eq!(place.call(["enter", &id]).command(["true"]).output().code(), 0);
        lines.expect_line("\"entered\"");
        assert_eq!(place.call(["stop", &id]).output().code(), 0);
        let all = lines.rest().to_vec();
        let events: Vec<String> = all.iter().map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["id"], *id, "{line}");
            text(&event["event"])
        }).collect();
        assert_eq!(events, ["starting", "started", "entered", "stopping", "exited"], "{all:?}");
        assert!(all.last().unwrap().contains("\"status\":4"), "{all:?}");
        assert_eq!(follower.finish().code(), 0);
        let _ = running.finish();
    }

    fn nonsense_is_refused_and_disturbs_nobody(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        for line in ["{}", "nonsense", "[]", "{\"ask\":\"reboot\"}", "{\"ask\":\"enter\"}", "{\"ask\":\"stop\",\"grace\":\"x\"}", "{\"ask\":\"stop\",\"grace\":-1}", "\u{0}", ""] {
            let answer = place.answer(&id, line);
            assert!(answer["error"].is_string(), "{line}: {answer}");
        }
        let deep = "[".repeat(4000);
        assert!(place.answer(&id, &deep)["error"].is_string());
        // A line without an end, as long as the sandbox takes it.
        let mut endless = place.connect(&id);
        let written = (0..10_000).take_while(|_| endless.write_all(&[b'x'; 1024]).is_ok()).count();
        assert!(written < 1000, "{written} kilobytes were taken");
        // Who connects and says nothing, by the hundred, and who asks and does not listen.
        let silent: Vec<_> = (0..200).map(|_| place.connect(&id)).collect();
        let deaf: Vec<_> = (0..50).map(|_| {
            let mut socket = place.connect(&id);
            let _ = socket.write_all(b"{\"ask\":\"follow\"}\n");
            socket
        }).collect();
        let before = ticks(running.pid());
        for _ in 0..3 {
            assert!(place.answer(&id, "{\"ask\":\"about\"}")["policy"].is_object());
        }
        std::thread::sleep(Duration::from_millis(300));
        assert!(ticks(running.pid()) - before < 20, "it spins");
        drop((silent, deaf));
        assert_eq!(place.list().len(), 1);
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().code(), 143);
    }

    fn another_user_reaches_nothing(via) {
        let place = Place::open();
        let running = idle(place.run(via));
        let id = place.id(&running);
        let script = "import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b'{\"ask\":\"stop\",\"grace\":0}\\n')
except OSError as error:
    print(error.strerror)
print(s.recv(1000).decode() if s.fileno() >= 0 else '')";
        let socket = place.dir(&id).join("control");
        let attempt = || {
            let mut other = Command::new("setpriv");
            other.args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script]).arg(&socket);
            let output = other.output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(attempt().contains("Permission denied"), "{}", attempt());
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place.dir(&id)), mode(&socket)), (0o700, 0o600));
        // Even if every door on the way were open: who it is counts.
        let doors = [place.path().into(), place.path().join("arkose"), place.dir(&id)];
        doors.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap());
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        let said = attempt();
        doors.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap());
        assert!(said.contains("only the user"), "{said}");
        assert_eq!(place.list().len(), 1);
        // Another user's list has nothing of it.
        let mut other = Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(machine().programs.join("arkose"));
        let output = other.arg("ps").env("XDG_RUNTIME_DIR", place.path()).output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains(&id), "{output:?}");
    }

    fn nobody_inside_a_sandbox_is_heard(via) {
        let place = Place::new();
        let running = idle(place.run(via));
        let id = place.id(&running);
        // The socket under a name that nothing hides.
        let open = arkose_tests::Scratch::home();
        fs::hard_link(place.dir(&id).join("control"), open.join("control")).unwrap();
        let script = "import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(b'{\"ask\":\"stop\",\"grace\":0}\\n')
except BrokenPipeError:
    pass
print(s.recv(1000).decode())";
        let control = open.join("control");
        for runas in ["user", "root"] {
            let inside = Arkose::run(via).option("runas", runas).option("bind", open.path());
            let outcome = inside.command(["/usr/bin/python3", "-c", script, control.to_str().unwrap()]).output();
            assert!(!outcome.text().contains("ok"), "{outcome}");
            // Root inside may not even connect; the user is told.
            assert!(runas == "root" || outcome.text().contains("not from inside"), "{outcome}");
        }
        assert_eq!(place.list().len(), 1);
    }

    fn the_list_itself_is_hidden_inside(via) {
        for option in ["bind", "bind-read-only"] {
            // Nothing is there yet when the sandbox is built; its own directory comes later.
            let place = Place::new();
            let mut running = place.run(via).option(option, place.path()).command(
                ["sh", "-c", "read line; ls -RA \"$1/arkose\"; echo end", "sh", place.path().to_str().unwrap()]).start();
            let id = place.id(&running);
            assert!(place.dir(&id).join("control").exists());
            let mut lines = running.lines();
            running.stdin.take().unwrap().write_all(b"\n").unwrap();
            let seen = lines.rest().join("\n");
            assert!(seen.ends_with("end") && !seen.contains(&id) && !seen.contains("control"), "{option}: {seen}");
        }
    }
}
