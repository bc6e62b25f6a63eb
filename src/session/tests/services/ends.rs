//! However it ends, nothing is left.

use crate::isolated::xephyr;
use crate::place::{Place, inside, need};
use crate::{Skip, Test};
use arkose_session::display::{Backend, Request, isolated};
use arkose_session::error::Kind;
use arkose_session::host::Host;
use arkose_session::runtime::Runtime;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Makes this binary a supervisor.
pub(crate) const SUPERVISE: &str = "--supervise";

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("stopping_leaves_no_socket_and_no_process", stopping_leaves_no_socket_and_no_process),
    ("a_killed_server_is_noticed_and_its_socket_removed", a_killed_server_is_noticed),
    ("a_killed_supervisor_takes_everything_along", a_killed_supervisor_takes_everything_along),
    ("a_killed_supervisor_takes_xpra_along", a_killed_supervisor_takes_xpra_along),
    ("what_two_kills_left_is_swept_by_the_next", what_two_kills_left_is_swept_by_the_next),
    ("an_interrupt_from_the_terminal_spares_the_display", an_interrupt_spares_the_display),
];

/// Has a display and a directory until it is killed.
pub(crate) fn supervise() -> ExitCode {
    let host = Host::current();
    let runtime = Runtime::new(&host).unwrap();
    runtime.write("secret", 0o600, b"x").unwrap();
    let inside = inside();
    let backend = Backend::parse(&std::env::args().nth(2).unwrap()).unwrap();
    let title = "Test";
    let request =
        Request { host: &host, inside: &inside, title, runtime: &runtime, backend, stop: None };
    let display = isolated(&request).unwrap();
    println!("{}", display.grant().sockets[0].source);
    println!("{}", runtime.dir().unwrap().display());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    ExitCode::SUCCESS
}

/// A supervisor that runs, and what it has.
struct Supervisor {
    child: Child,
    socket: PathBuf,
    dir: PathBuf,
    /// Its children: the cleaner, the server, the window manager.
    helpers: Vec<(String, Pid, OwnedFd)>,
}

impl Supervisor {
    fn start(place: &Place) -> Self {
        let supervisor = Self::with(place, "xephyr");
        assert_eq!(supervisor.helpers.len(), 3, "{:?}", supervisor.helpers);
        supervisor
    }

    fn with(place: &Place, backend: &str) -> Self {
        let mut child = Command::new("/proc/self/exe")
            .args([SUPERVISE, backend])
            .env_clear()
            .envs(place.host().vars())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut path = || PathBuf::from(lines.next().unwrap().unwrap());
        let (socket, dir) = (path(), path());
        assert!(socket.exists() && dir.join("secret").exists());
        let helpers = children(child.id());
        Self { child, socket, dir, helpers }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn helper(&self, name: &str) -> Pid {
        self.helpers.iter().find(|(command, ..)| command.contains(name)).unwrap().1
    }
}

fn children(parent: u32) -> Vec<(String, Pid, OwnedFd)> {
    let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    list.split_whitespace()
        .map(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
            (String::from_utf8_lossy(&command).replace('\0', " "), pid, pidfd)
        })
        .collect()
}

/// Waits at most a second for a process to end.
fn ends(pidfd: impl AsFd, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(left).unwrap()).unwrap() == 1
}

fn second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

fn stopping_leaves_no_socket_and_no_process() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let before = children(std::process::id()).len();
    let mut display = xephyr(&place.host());
    let socket = display.grant().sockets[0].source.as_path().to_owned();
    assert!(socket.exists());
    let started = Instant::now();
    display.stop();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    drop(display);
    assert!(!socket.exists());
    assert_eq!(children(std::process::id()).len(), before);
    Ok(())
}

fn a_killed_server_is_noticed() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let mut display = xephyr(&place.host());
    let socket = display.grant().sockets[0].source.as_path().to_owned();
    assert!(display.ended().is_none());
    let servers = children(std::process::id());
    let (_, server, _) = servers.iter().find(|(command, ..)| command.contains("Xephyr")).unwrap();
    kill_process(*server, Signal::KILL).unwrap();
    assert!(ends(display.watched()[0], second()));
    assert_eq!(display.ended().unwrap().kind(), Kind::DisplayGone);
    assert!(socket.exists(), "a killed server leaves its socket, or this tests nothing");
    drop(display);
    assert!(!socket.exists());
    Ok(())
}

fn a_killed_supervisor_takes_everything_along() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let mut supervisor = Supervisor::start(&place);
    let socket = made(&supervisor.socket);
    supervisor.kill();
    let deadline = second();
    for (command, _, pidfd) in &supervisor.helpers {
        assert!(ends(pidfd, deadline), "{command} is left");
    }
    // Another sandbox of this machine may have the number by now, with a socket of its own.
    assert_ne!(made(&supervisor.socket), socket);
    assert!(!supervisor.dir.exists());
    Ok(())
}

fn a_killed_supervisor_takes_xpra_along() -> Result<(), Skip> {
    need(&["xpra", "Xvfb"])?;
    let place = Place::new()?;
    let mut supervisor = Supervisor::with(&place, "xpra");
    let socket = made(&supervisor.socket);
    // The cleaner; Xvfb, xpra, xpra.
    assert_eq!(supervisor.helpers.len(), 4, "{:?}", supervisor.helpers);
    supervisor.kill();
    let deadline = second();
    for (command, _, pidfd) in &supervisor.helpers {
        assert!(ends(pidfd, deadline), "{command} is left");
    }
    assert_ne!(made(&supervisor.socket), socket);
    assert_eq!(std::fs::read_dir(supervisor.dir.parent().unwrap()).unwrap().count(), 0);
    Ok(())
}

/// Which file is at `path`, if any: its number, and when it was made.
fn made(path: &Path) -> Option<(u64, i64, i64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.ino(), file.ctime(), file.ctime_nsec()))
}

fn what_two_kills_left_is_swept_by_the_next() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let mut supervisor = Supervisor::start(&place);
    for name in ["--guard clean", "Xephyr"] {
        kill_process(supervisor.helper(name), Signal::KILL).unwrap();
    }
    supervisor.kill();
    for (command, _, pidfd) in &supervisor.helpers {
        assert!(ends(pidfd, second()), "{command} is left");
    }
    assert!(supervisor.dir.exists());
    let left = made(&supervisor.socket);
    assert!(left.is_some());
    // The first that comes to this number removes what is there; with a lower one that another
    // sandbox of this machine has just given back, it does not come so far.
    let mut next = vec![Supervisor::start(&place)];
    assert!(!supervisor.dir.exists());
    while made(&supervisor.socket) == left {
        assert!(next.len() < 10, "{} is left", supervisor.socket.display());
        next.push(Supervisor::start(&place));
    }
    for mut next in next {
        next.kill();
        next.helpers.iter().for_each(|(_, _, pidfd)| assert!(ends(pidfd, second())));
    }
    Ok(())
}

fn an_interrupt_spares_the_display() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let mut supervisor = Supervisor::start(&place);
    let own = nix::unistd::getpgid(None).unwrap();
    for (command, pid, _) in &supervisor.helpers {
        let group =
            nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get())))
                .unwrap();
        assert_ne!(group, own, "{command}");
    }
    supervisor.kill();
    supervisor.helpers.iter().for_each(|(_, _, pidfd)| assert!(ends(pidfd, second())));
    Ok(())
}
