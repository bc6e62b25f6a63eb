//! What an app may use up: whoever enforces it, it holds, it cannot be raised from inside, the app
//! is told apart from its limits, and nothing is left.

use arkose_tests::arkose::{Quiet, quiet};
use arkose_tests::host::descendants;
use arkose_tests::machine::{machine, skip, with_way};
use arkose_tests::{Arkose, Inventory, Outcome, Running, Scratch, Via, both_ways, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// Takes 200 MiB, page by page.
const HOG: &str = "python3 -c 'x = bytearray(200 << 20)'";

/// Forks as often as it can and says how many of them there were; then all end.
const BOMB: &str = r#"
import os, signal, sys
children, refused = [], 0
for attempt in range(400):
    try:
        pid = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if pid == 0:
        # Each of them tries, too.
        try:
            if os.fork() == 0:
                signal.pause()
        except BlockingIOError:
            pass
        signal.pause()
    children.append(pid)
most = len([name for name in os.listdir('/proc') if name.isdigit()])
print(most, refused, flush=True)
"#;

/// Why a limit cannot be had in that way here, if it cannot.
fn missing(via: Via, option: [&str; 2]) -> Option<String> {
    let outcome = Arkose::run(via).option(option[0], option[1]).command(["true"]).output();
    match outcome.code() {
        0 => None,
        125 => outcome.said().lines().next().map(str::to_owned),
        _ => panic!("{outcome}"),
    }
}

/// Runs a test where that limit can be had, and says why not elsewhere.
fn limited(via: Via, name: &str, option: [&str; 2], body: impl FnOnce()) {
    match missing(via, option) {
        None => body(),
        Some(reason) => skip(&format!("{name}::{}", via.word()), &reason),
    }
}

fn python(via: Via, script: &str) -> Arkose {
    Arkose::run(via).command(["python3", "-c", script])
}

/// A limited sandbox that runs, with a process beside its app.
fn running(via: Via, limit: [&str; 2], quiet: &Quiet) -> Running {
    let script = "sleep 600 & until [ $(cat /proc/[0-9]*/comm | grep -c sleep) = 1 ]; do :; done; echo ready; read line";
    let mut running = Arkose::run(via).option(limit[0], limit[1]).shell(script).start_alone(quiet);
    running.lines().expect_line("ready");
    running
}

/// A limit that can be had in that way, the one of most consequence first.
fn any_limit(via: Via) -> Option<[&'static str; 2]> {
    [["memory", "100M"], ["processes", "50"]]
        .into_iter()
        .find(|limit| missing(via, *limit).is_none())
}

fn said_of_memory(outcome: &Outcome) -> bool {
    outcome.said().contains("memory limit of 50M")
}

both_ways! {
    fn a_fork_bomb_stays_inside(via) {
        limited(via, "a_fork_bomb_stays_inside", ["processes", "32"], || {
            let outcome = python(via, BOMB).option("processes", "32").output();
            let text = outcome.success();
            let counts: Vec<u32> = text.split(' ').map(|number| number.parse().unwrap()).collect();
            // The first process of the sandbox is none of the app's.
            assert!(counts[0] <= 33, "{outcome}");
            assert!(counts[0] > 25, "the bomb did not go off: {outcome}");
            assert!(counts[1] > 0, "{outcome}");
            // The host, and the user, fork on.
            assert!(Command::new("true").status().unwrap().success());
            assert!(machine().as_user("sh").args(["-c", "true & true & wait"]).status().unwrap().success());
        });
    }

    fn without_a_limit_the_bomb_goes_on(via) {
        let text = python(via, BOMB).prints();
        let counts: Vec<u32> = text.split(' ').map(|number| number.parse().unwrap()).collect();
        assert!(counts[0] > 300, "{text}");
    }

    fn threads_count_as_processes(via) {
        limited(via, "threads_count_as_processes", ["processes", "16"], || {
            let script = "
import threading
never = threading.Event()
started = 0
try:
    for thread in range(100):
        threading.Thread(target=never.wait, daemon=True).start()
        started += 1
except RuntimeError:
    pass
print(started, flush=True)
import os
os._exit(0)
";
            let text = python(via, script).option("processes", "16").prints();
            assert_eq!(text, "15", "the app's first thread is the sixteenth");
        });
    }

    fn the_number_of_processes_cannot_be_raised_from_inside(via) {
        limited(via, "the_number_of_processes_cannot_be_raised_from_inside", ["processes", "16"], || {
            // In user namespaces of its own, three deep, and with every limit that it can set.
            let raise = "
import resource
for most in (4096, resource.RLIM_INFINITY):
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    except (ValueError, OSError):
        pass
";
            let script = format!("{raise}{BOMB}");
            let nested = |depth: usize| {
                let mut words: Vec<String> = Vec::new();
                for _ in 0..depth {
                    words.extend(["unshare", "--user", "--map-root-user"].map(str::to_owned));
                }
                words.extend(["python3".to_owned(), "-c".to_owned(), script.clone()]);
                let arkose = Arkose::run(via).option("processes", "16").arg("--user-namespaces");
                arkose.command(words).output()
            };
            for depth in 0..=3 {
                let outcome = nested(depth);
                let text = outcome.success();
                let most: u32 = text.split(' ').next().unwrap().parse().unwrap();
                assert!(most <= 17, "{depth} deep: {outcome}");
            }
        });
    }

    fn what_uses_too_much_memory_is_ended_and_says_why(via) {
        limited(via, "what_uses_too_much_memory_is_ended_and_says_why", ["memory", "50M"], || {
            let outcome = Arkose::run(via).option("memory", "50M").shell(&format!("exec {HOG}")).output();
            assert_eq!(outcome.code(), 137, "{outcome}");
            assert!(outcome.said().contains("The app reached its memory limit of 50M and was ended"), "{outcome}");
            let enough = Arkose::run(via).option("memory", "1G").shell(HOG).output();
            assert_eq!(enough.code(), 0, "{enough}");
            assert_eq!(enough.said(), "", "{enough}");
        });
    }

    fn a_child_that_uses_too_much_memory_is_ended_alone(via) {
        limited(via, "a_child_that_uses_too_much_memory_is_ended_alone", ["memory", "50M"], || {
            let outcome = Arkose::run(via).option("memory", "50M").shell(&format!("{HOG}; echo $? >&2; exit 3")).output();
            assert_eq!(outcome.code(), 3, "{outcome}");
            assert!(outcome.said().contains("137"), "{outcome}");
            assert!(said_of_memory(&outcome), "{outcome}");
        });
    }

    fn many_small_ones_together_are_too_much(via) {
        limited(via, "many_small_ones_together_are_too_much", ["memory", "50M"], || {
            let script = "for i in 1 2 3 4 5 6; do python3 -c 'x = bytearray(20 << 20); import time; time.sleep(20)' & done; wait -n; echo $?";
            let outcome = Arkose::run(via).option("memory", "50M").command(["bash", "-c", script]).output();
            assert_eq!(outcome.text(), "137", "{outcome}");
            assert!(said_of_memory(&outcome), "{outcome}");
        });
    }

    fn files_in_memory_count_and_are_full_before_the_app_is_ended(via) {
        limited(via, "files_in_memory_count_and_are_full_before_the_app_is_ended", ["memory", "50M"], || {
            let fill = "head -c 100M /dev/zero >/tmp/x; stat -c %s /tmp/x";
            let outcome = Arkose::run(via).option("memory", "50M").shell(fill).output();
            let size: u64 = outcome.success().parse().unwrap();
            assert!(size > 20 << 20 && size <= 25 << 20, "{outcome}");
            assert!(outcome.said().contains("No space left"), "{outcome}");
            // Who asks for more space than memory is ended for it.
            let outcome = Arkose::run(via).option("memory", "50M").option("cow-size", "1G").shell(fill).output();
            assert!(said_of_memory(&outcome), "{outcome}");
        });
    }

    fn events_tell_which_limit_was_met(via) {
        limited(via, "events_tell_which_limit_was_met", ["memory", "50M"], || {
            // A pipe of root's could not be opened again by the user.
            let script = "arkose run --via $0 --quiet --memory 50M --events 3 -- python3 -c 'x = bytearray(200 << 20)' 3>&1 | cat; exit ${PIPESTATUS[0]}";
            let outcome = Outcome::of(machine().as_user("bash").args(["-c", script, via.word()]));
            assert_eq!(outcome.code(), 137, "{outcome}");
            assert_eq!(outcome.said(), "", "{outcome}");
            let events: Vec<serde_json::Value> =
                outcome.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
            assert_eq!(names, ["starting", "started", "limit", "exited"], "{outcome}");
            assert_eq!(events[2]["limit"], "memory");
            assert_eq!(events[2]["value"], 50 << 20);
        });
    }

    fn no_control_group_is_seen_or_written_inside(via) {
        let limit = any_limit(via).unwrap_or(["cow-size", "50M"]);
        for namespaces in ["false", "true"] {
            let script = "
                find / -xdev -name 'cgroup.procs' 2>/dev/null; ls /sys/fs/cgroup;
                grep -vE '^[0-9]+:[a-z,=_]*:/$' /proc/self/cgroup
                grep cgroup /proc/self/mountinfo
                mkdir /tmp/g; unshare --user --map-root-user --mount --cgroup sh -c '
                    mount -t cgroup2 none /tmp/g && cd /tmp/g && ls | grep -E \"^(memory|pids|cpu)[.](max|weight|swap)\"
                    for f in /tmp/g/memory.max /tmp/g/pids.max /tmp/g/memory.swap.max; do echo max >$f && echo wrote $f; done' 2>/dev/null
                echo looked";
            let arkose = Arkose::run(via).option(limit[0], limit[1]).arg(format!("--user-namespaces={namespaces}"));
            let outcome = arkose.shell(script).output();
            assert_eq!(outcome.text(), "looked", "{outcome}");
        }
    }

    fn a_limited_sandbox_leaves_nothing_however_it_ends(via) {
        let Some(limit) = any_limit(via) else {
            return skip("a_limited_sandbox_leaves_nothing_however_it_ends", "nothing can be limited here");
        };
        let quiet = quiet();
        let before = Inventory::take();
        assert_eq!(Arkose::run(via).option(limit[0], limit[1]).command(["true"]).output_alone(&quiet).code(), 0);
        before.restored();
        // One after the other, and the supervisor itself.
        let count = {
            let running = running(via, limit, &quiet);
            let count = descendants(running.pid()).len();
            running.signal(Signal::SIGKILL);
            running.finish_killed();
            count
        };
        before.restored();
        assert!(count >= 3, "{count} processes: the sandbox was not seen");
        for victim in 0..count {
            let running = running(via, limit, &quiet);
            let Some((pid, name)) = descendants(running.pid()).get(victim).cloned() else {
                let _ = running.finish();
                before.restored();
                continue;
            };
            println!("killing {name}, {pid}");
            kill(pid, Signal::SIGKILL).unwrap();
            if name == "sleep" || name == "arkose-keeper" {
                // What these were for goes on without them.
                running.signal(Signal::SIGTERM);
            }
            let _ = running.finish();
            before.restored();
        }
    }

    fn twenty_limited_sandboxes_at_once(via) {
        let Some(limit) = any_limit(via) else {
            return skip("twenty_limited_sandboxes_at_once", "nothing can be limited here");
        };
        let quiet = quiet();
        let before = Inventory::take();
        let all: Vec<Running> = (0..20)
            .map(|_| {
                let arkose = Arkose::run(via).option(limit[0], limit[1]).option("processes", "0");
                let arkose = if limit[0] == "processes" { Arkose::run(via).option(limit[0], limit[1]) } else { arkose };
                arkose.shell("sleep 0.2; echo $$").start_alone(&quiet)
            })
            .collect();
        for running in all {
            let outcome = running.finish();
            assert_eq!(outcome.code(), 0, "{outcome}");
            assert_eq!(outcome.said(), "", "{outcome}");
        }
        before.restored();
    }

    fn what_a_limited_sandbox_uses_is_shown(via) {
        limited(via, "what_a_limited_sandbox_uses_is_shown", ["memory", "300M"], || {
            let script = "
x = bytearray(100 << 20)
print('ready', flush=True)
input()
";
            let mut running = python(via, script).option("memory", "300M").start();
            running.lines().expect_line("ready");
            let supervisor = running.pid().as_raw();
            let json = |call: &[&str]| -> serde_json::Value {
                serde_json::from_str(&Arkose::call(call).arg("--json").prints()).unwrap()
            };
            let mut id = None;
            // It takes its place in the list a moment after its app runs.
            wait::until(wait::LAUNCH, || {
                let all = json(&["ps"]);
                let own = all.as_array().unwrap().iter().find(|one| one["supervisor"] == supervisor);
                id = own.map(|own| own["id"].as_str().unwrap().to_owned());
                id.is_some()
            });
            let counted = json(&["info", &id.unwrap()])["usage"].take();
            let memory = counted["memory"].as_u64().unwrap();
            assert!((100 << 20..300 << 20).contains(&memory), "{counted}");
            assert!(counted["memory-peak"].as_u64().unwrap() >= memory, "{counted}");
            let _ = running.finish();
        });
    }

    fn an_administrator_inside_is_limited_as_well(via) {
        limited(via, "an_administrator_inside_is_limited_as_well", ["processes", "16"], || {
            let arkose = python(via, BOMB).option("processes", "16").option("runas", "root");
            let outcome = arkose.output();
            let most: u32 = outcome.success().split(' ').next().unwrap().parse().unwrap();
            assert!(most <= 17, "{outcome}");
        });
    }
}

/// Two killed at once, the helper and what cleans up behind it, leave a directory; the next launch
/// with a limit removes it, and none that is in use.
#[test]
fn what_a_killed_helper_and_keeper_leave_is_swept() {
    with_way(Via::Helper, "what_a_killed_helper_and_keeper_leave_is_swept", |via| {
        let Some(limit) = any_limit(via) else {
            return skip(
                "what_a_killed_helper_and_keeper_leave_is_swept",
                "nothing can be limited here",
            );
        };
        let quiet = quiet();
        let before = Inventory::take();
        let kept = running(via, limit, &quiet);
        let left = running(via, limit, &quiet);
        let with = groups();
        let root = |name: &str| -> Pid {
            descendants(left.pid()).into_iter().find(|(_, own)| own.starts_with(name)).unwrap().0
        };
        let (keeper, helper) = (root("arkose-keeper"), root("arkose-helper"));
        kill(keeper, Signal::SIGKILL).unwrap();
        kill(helper, Signal::SIGKILL).unwrap();
        let _ = left.finish();
        assert_eq!(groups().len(), with.len(), "nothing was left to be swept");
        assert_eq!(
            Arkose::run(via)
                .option(limit[0], limit[1])
                .command(["true"])
                .output_alone(&quiet)
                .code(),
            0
        );
        assert_eq!(groups().len() * 2, with.len(), "{with:?}");
        kept.signal(Signal::SIGTERM);
        let _ = kept.finish();
        before.restored();
    });
}

/// The directories that Arkose has made for control groups.
fn groups() -> Vec<String> {
    fn below(directory: &std::path::Path, depth: u32, all: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
            if entry.file_name().to_string_lossy().starts_with("arkose-") {
                all.push(entry.path().display().to_string());
            } else if depth > 0 {
                below(&entry.path(), depth - 1, all);
            }
        }
    }
    let mut all = Vec::new();
    below("/sys/fs/cgroup".as_ref(), 6, &mut all);
    all
}

#[test]
fn a_limit_that_cannot_be_had_is_refused_and_not_forgotten() {
    // Without control groups that this user may make, only root can limit memory.
    let outcome = Arkose::run(Via::User).option("memory", "50M").command(["echo", "ran"]).output();
    if outcome.code() == 0 {
        let hog = Arkose::run(Via::User).option("memory", "50M").shell(HOG).output();
        assert_ne!(hog.code(), 0, "{hog}");
        return;
    }
    let said = outcome.refusal();
    assert_eq!(outcome.text(), "", "{outcome}");
    assert!(said.contains("memory cannot be limited"), "{outcome}");
    assert!(said.contains("--via helper"), "{outcome}");
}

#[test]
fn a_group_that_is_not_the_callers_is_refused() {
    with_way(Via::Helper, "a_group_that_is_not_the_callers_is_refused", |_| {
        for directory in ["/sys/fs/cgroup", "/tmp", "/"] {
            let outcome =
                Arkose::crafted().option("group", directory).command(["echo", "ran"]).output();
            let said = outcome.refusal();
            assert!(said.contains("control group"), "{outcome}");
            assert_eq!(outcome.text(), "", "{outcome}");
        }
    });
}

/// What the machine is said to have is what can be had.
#[test]
fn doctor_tells_which_limits_can_be_had() {
    let report: serde_json::Value =
        serde_json::from_slice(&Arkose::call(["doctor", "--json"]).output().stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    for (key, limit) in [
        ("limit-memory", ["memory", "100M"]),
        ("limit-processes", ["processes", "50"]),
        ("limit-cpu-weight", ["cpu-weight", "50"]),
    ] {
        let finding = findings.iter().find(|finding| finding["key"] == key).unwrap();
        let had = [Via::User, Via::Helper].map(|via| missing(via, limit).is_none());
        assert_eq!(finding["present"], had.contains(&true), "{finding}, {had:?}");
        match finding["means"].as_str() {
            Some("systemd" | "user-namespace") => assert!(had[0], "{finding}"),
            Some("root") => assert_eq!(had, [false, true], "{finding}"),
            _ => {}
        }
    }
}

/// With its signals blocked a launch waits for the user's systemd manager, which may not answer.
#[test]
fn a_silent_manager_does_not_hold_up_a_launch_that_is_to_end() {
    let runtime = Scratch::system();
    runtime.directory("systemd");
    let owned = fs::Permissions::from_mode(0o700);
    fs::set_permissions(runtime.path(), owned).unwrap();
    let socket = runtime.join("systemd/private");
    let listener = UnixListener::bind(&socket).unwrap();
    chown(&socket, Some(machine().uid.as_raw()), Some(machine().gid.as_raw())).unwrap();
    let call = Arkose::run(Via::User)
        .option("memory", "100M")
        .env("XDG_RUNTIME_DIR", runtime.path())
        .command(["true"]);
    let mut command =
        call.on_changed_host("mount -t tmpfs none /run; mkdir -p /run/systemd/system");
    let mut child = command.spawn().unwrap();
    // It asks, and hears nothing.
    let (mut asked, _) = listener.accept().unwrap();
    let mut begun = [0; 16];
    asked.read_exact(&mut begun).unwrap();
    let begin = Instant::now();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(128 + Signal::SIGTERM as i32));
    assert!(begin.elapsed() < Duration::from_secs(1), "it took {:?}", begin.elapsed());
}
