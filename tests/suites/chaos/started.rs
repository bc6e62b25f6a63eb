//! A launch that runs, on a terminal or on pipes, and is read from without ever being waited for.

use super::draw::Draw;
use arkose_tests::wait::LAUNCH;
use arkose_tests::{Arkose, host};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often something is looked for.
const LOOK: Duration = Duration::from_millis(1);
/// How long it may take to be listed.
const LISTED: Duration = Duration::from_secs(2);
/// How much of what was said is kept.
const KEPT: usize = 1 << 14;

/// A running `arkose`, and what it says.
pub(crate) struct Started {
    child: Child,
    /// Its input, or its terminal.
    input: Option<File>,
    outputs: Vec<File>,
    said: Vec<u8>,
    status: Option<ExitStatus>,
}

impl Started {
    pub(crate) fn new(draw: Draw) -> Self {
        let inner = draw.call.into_command();
        let mut command = if draw.terminal { with_terminal(&inner) } else { inner };
        let (input, outputs) =
            if draw.terminal { terminal(&mut command) } else { pipes(&mut command) };
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // Its ends of the pipes are the command's until that is dropped.
        drop(command);
        for output in &outputs {
            fcntl(output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("it need not block");
        }
        Self { child, input: Some(input), outputs, said: Vec::new(), status: None }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }

    /// Every process of it: the supervisor first.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let below = host::descendants(self.pid()).into_iter().map(|(pid, _)| pid);
        std::iter::once(self.pid()).chain(below).collect()
    }

    /// Closes its input, or what keeps its terminal open.
    pub(crate) fn hang_up(&mut self, terminal: bool) {
        self.input = None;
        if terminal {
            self.outputs.clear();
        }
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        if !self.has_ended() {
            kill(self.pid(), signal).expect("a child can be signalled");
        }
    }

    /// Whether the app has said that it runs, or never will.
    pub(crate) fn has_started(&mut self) -> bool {
        self.drain();
        self.said.windows(7).any(|part| part == b"started") || self.has_ended()
    }

    /// What the list of running sandboxes calls it: it comes there when it has lived for a moment.
    fn id(&mut self) -> Option<String> {
        let supervisor = self.pid().as_raw();
        let mut id = None;
        self.until(LISTED, |started| {
            id = listed(supervisor);
            id.is_some() || started.has_ended()
        });
        id
    }

    /// Somebody who enters the sandbox and stays there.
    pub(crate) fn enter(&mut self) -> Option<Entry> {
        let id = self.id()?;
        let mut command =
            Arkose::call(["enter", &id]).command(["/bin/sleep", "604"]).into_command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Some(Entry(command.spawn().expect("it can be started")))
    }

    /// Has it ended by `arkose stop`; how that went.
    pub(crate) fn stop(&mut self) -> Option<ExitStatus> {
        let id = self.id()?;
        let mut command = Arkose::call(["stop", &id]).into_command();
        let mut child = command.stderr(Stdio::null()).spawn().expect("it can be started");
        let mut status = None;
        // What it waits for may wait for its output to be read.
        self.until(LAUNCH, |started| {
            started.drain();
            status = child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        status
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.drain();
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
        }
        self.status.is_some()
    }

    /// Looks again and again until it holds; whether it did in time.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut holds: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let end = Instant::now() + limit;
        while !holds(self) {
            if Instant::now() > end {
                return false;
            }
            sleep(LOOK);
        }
        true
    }

    /// What it has said, for people.
    pub(crate) fn said(&self) -> String {
        let ended = self.status.map_or("running".to_owned(), |status| status.to_string());
        format!("{ended}; it said: {}", self.said.escape_ascii())
    }

    /// Nothing that it writes may hold it up.
    fn drain(&mut self) {
        let mut bytes = [0; 4096];
        for output in &mut self.outputs {
            // A flood has no end.
            for _ in 0..16 {
                match output.read(&mut bytes) {
                    Ok(count @ 1..) if self.said.len() < KEPT => {
                        self.said.extend_from_slice(&bytes[..count]);
                    }
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `arkose enter`, while it runs.
pub(crate) struct Entry(Child);

impl Entry {
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be waited for").is_some()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The id of the sandbox of a supervisor.
fn listed(supervisor: i32) -> Option<String> {
    let output = Arkose::call(["ps", "--json"]).into_command().output().ok()?;
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let one = all.as_array()?.iter().find(|one| one["supervisor"] == supervisor)?;
    one["id"].as_str().map(str::to_owned)
}

/// The same command in a session of its own, which a terminal controls.
fn with_terminal(inner: &Command) -> Command {
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(inner.get_program()).args(inner.get_args()).env_clear();
    let variables = inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value)));
    command.envs(variables);
    if let Some(directory) = inner.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

fn terminal(command: &mut Command) -> (File, Vec<File>) {
    let pair = openpty(None, None).expect("a terminal");
    for fd in [&pair.master, &pair.slave] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("a flag");
    }
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a copy"));
    command.stdin(end(&pair.slave)).stdout(end(&pair.slave)).stderr(end(&pair.slave));
    let master = File::from(pair.master);
    (master.try_clone().expect("a copy"), vec![master])
}

fn pipes(command: &mut Command) -> (File, Vec<File>) {
    let pipe = || std::io::pipe().expect("a pipe");
    let (input, output, errors) = (pipe(), pipe(), pipe());
    command.stdin(input.0).stdout(output.1).stderr(errors.1);
    (
        File::from(OwnedFd::from(input.1)),
        vec![File::from(OwnedFd::from(output.0)), File::from(OwnedFd::from(errors.0))],
    )
}
