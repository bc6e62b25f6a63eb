//! The sandboxes that run, from outside: finding them, asking one, ending it.
//!
//! What is listed is read from the sandboxes' directories and from `/proc`; no supervisor is disturbed
//! for it. Names and command lines come from inside and are shown with control characters visible.

mod network;
mod processes;
mod talk;

use crate::facts::{self, now};
use crate::failure::{LaunchError, NO_ANSWER, NOT_ENDED};
use crate::host::Host;
use crate::runtime;
use arkose_protocol::Channel;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};
use talk::Talk;

pub use crate::facts::Facts;
pub use arkose_engine::limits::Usage;
pub use network::{Destination, Families, NoAnswer, Sum, Traffic};
pub use processes::{Process, Processes};

/// Facts are short; what is longer is none.
const LONGEST: u64 = 4 << 20;
/// How long a supervisor may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long it takes until what went where is asked for again, while somebody follows it.
const SECOND: Duration = Duration::from_secs(1);
/// How long a sandbox may take to be gone when it has been ended.
const GONE: Duration = Duration::from_secs(3);

/// A sandbox that runs.
#[derive(Debug)]
pub struct Running {
    /// What is known of it from its start on.
    pub facts: Facts,
    /// The directory of all, and its own.
    base: Rc<OwnedFd>,
    dir: OwnedFd,
}

/// Which sandboxes a word could mean, when it does not mean one.
#[derive(Debug)]
pub enum NotOne {
    /// None of these, which are all.
    Unknown(Vec<Running>),
    /// Each of these.
    Ambiguous(Vec<Running>),
}

/// Every sandbox of this user that runs, the oldest first.
#[must_use]
pub fn list(host: &Host) -> Vec<Running> {
    let Some((base, names)) = runtime::all(host) else { return Vec::new() };
    let base = Rc::new(base);
    let mut all: Vec<Running> =
        names.iter().filter_map(|name| Running::open(&base, name)).collect();
    all.sort_by(|a, b| (a.facts.since, &a.facts.id).cmp(&(b.facts.since, &b.facts.id)));
    all
}

/// The sandbox that is meant by an id, the beginning of one, or `last`.
///
/// # Errors
/// When none is meant, or several.
pub fn find(host: &Host, word: &str) -> Result<Running, NotOne> {
    let mut all = list(host);
    if let Some(at) = all.iter().position(|one| one.facts.id == word) {
        return Ok(all.swap_remove(at));
    }
    if word == "last" {
        return all.pop().ok_or_else(|| NotOne::Unknown(Vec::new()));
    }
    let means = |one: &Running| !word.is_empty() && one.facts.id.starts_with(word);
    let (mut meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(means);
    match (meant.len(), meant.pop()) {
        (1, Some(one)) => Ok(one),
        (_, None) => Err(NotOne::Unknown(others)),
        (_, Some(one)) => {
            meant.push(one);
            Err(NotOne::Ambiguous(meant))
        }
    }
}

impl Running {
    fn open(base: &Rc<OwnedFd>, name: &OsStr) -> Option<Self> {
        let dir = runtime::held(base.as_fd(), name)?;
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = File::from(openat(&dir, facts::FILE, flags, Mode::empty()).ok()?);
        let mut text = Vec::new();
        file.take(LONGEST).read_to_end(&mut text).ok()?;
        let facts: Facts = serde_json::from_slice(&text).ok()?;
        (facts.id.as_str() == name).then(|| Self { facts, base: Rc::clone(base), dir })
    }

    /// How long its app has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.facts.since))
    }

    /// What it uses as the kernel counts it, where it has limits and so is counted by itself.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.facts.first)
    }

    /// What its supervisor says of it; nothing when that one does not answer: `policy`, what the app
    /// may reach as `arkose explain` has it.
    #[must_use]
    pub fn about(&self) -> Option<Value> {
        if Process::is_stopped(self.facts.supervisor) {
            return None;
        }
        self.ask(&json!({ "ask": "about" }), None).ok()?.line(Instant::now() + ANSWER)
    }

    /// Writes what happens to it as lines of JSON, until its end; with them, each second in which that has
    /// changed, what went where.
    ///
    /// # Errors
    /// When its supervisor cannot be asked, or nothing more can be written.
    pub fn follow(&self, out: &mut dyn Write) -> Result<(), LaunchError> {
        let mut talk = self.ask(&json!({ "ask": "follow" }), None)?;
        let mut write = |event: &Value| {
            let written = writeln!(out, "{event}").and_then(|()| out.flush());
            written.map_err(|error| LaunchError::because(NO_ANSWER, error))
        };
        // A network that has no rules has none later.
        let mut told = self.traffic().ok();
        told.iter().try_for_each(|traffic| write(&self.went(traffic)))?;
        while !talk.is_over() {
            let Some(before) = &told else {
                talk.next().map_or(Ok(()), |event| write(&event))?;
                continue;
            };
            let again = Instant::now() + SECOND;
            while let Some(event) = talk.line(again) {
                write(&event)?;
            }
            if let Some(now) = self.traffic().ok().filter(|now| now != before && !talk.is_over()) {
                write(&self.went(&now))?;
                told = Some(now);
            }
        }
        Ok(())
    }

    /// An event that tells what went where.
    fn went(&self, traffic: &Traffic) -> Value {
        let id = &self.facts.id;
        json!({ "event": "traffic", "id": id, "time": now(), "traffic": traffic })
    }

    /// Gives what has happened on its buses to `take`, a line of JSON each: what was kept of it, and with
    /// `follow` what comes until its end. With `all` what is allowed is kept from now on, too.
    ///
    /// # Errors
    /// When its supervisor cannot be asked, or `take` fails.
    pub fn log(
        &self,
        (follow, all): (bool, bool),
        take: &mut dyn FnMut(&Value) -> std::io::Result<()>,
    ) -> Result<(), LaunchError> {
        let mut talk = self.ask_for_log(follow, all)?;
        while let Some(event) = talk.next() {
            take(&event).map_err(|error| LaunchError::because(NO_ANSWER, error))?;
        }
        Ok(())
    }

    /// A socket from which the same lines come, a line of JSON each, for whoever waits for other things
    /// as well; closing it ends them.
    ///
    /// # Errors
    /// When its supervisor cannot be asked.
    pub fn log_socket(&self, follow: bool, all: bool) -> Result<OwnedFd, LaunchError> {
        self.ask_for_log(follow, all).map(OwnedFd::from)
    }

    fn ask_for_log(&self, follow: bool, all: bool) -> Result<Talk, LaunchError> {
        if Process::is_stopped(self.facts.supervisor) {
            return Err(LaunchError::plain(NO_ANSWER));
        }
        self.ask(&json!({ "ask": "log", "follow": follow, "all": all }), None)
    }

    /// Asks its app to end, and has it ended after that time.
    ///
    /// # Errors
    /// When its supervisor cannot be asked.
    pub fn stop(&self, grace: Duration) -> Result<Stopping<'_>, LaunchError> {
        let deadline = Instant::now() + grace + GONE;
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let talk = match self.ask(&json!({ "ask": "stop", "grace": grace }), None) {
            // It has just ended.
            Err(_) if !self.is_there() => None,
            talk => Some(talk?),
        };
        // Stopped, as by Ctrl+Z, it would not hear.
        if Process::is_stopped(self.facts.supervisor) {
            let _ = kill(Pid::from_raw(self.facts.supervisor), Signal::SIGCONT);
        }
        Ok(Stopping { sandbox: self, talk, deadline })
    }

    /// A socket whose other end the sandbox's first process has.
    pub(crate) fn door(&self) -> Result<Channel, LaunchError> {
        let (ours, theirs) = Channel::pair()?;
        let mut talk = self.ask(&json!({ "ask": "enter" }), Some(theirs.as_fd()))?;
        match talk.line(Instant::now() + ANSWER) {
            Some(answer) if answer.get("ok").is_some() => Ok(ours),
            _ => Err(LaunchError::plain(NO_ANSWER)),
        }
    }

    fn ask(&self, request: &Value, fd: Option<BorrowedFd<'_>>) -> Result<Talk, LaunchError> {
        Talk::begin(self.dir.as_fd(), request, fd)
            .map_err(|errno| LaunchError::because(NO_ANSWER, std::io::Error::from(errno)))
    }

    fn kill_supervisor(&self) {
        let _ = kill(Pid::from_raw(self.facts.supervisor), Signal::SIGKILL);
    }

    /// Whether its directory is still there.
    fn is_there(&self) -> bool {
        let now = fstatat(&*self.base, self.facts.id.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        let same = |(a, b): (FileStat, FileStat)| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino);
        now.ok().zip(fstat(&self.dir).ok()).is_some_and(same)
    }
}

/// A sandbox that was told to end.
#[derive(Debug)]
pub struct Stopping<'a> {
    sandbox: &'a Running,
    /// Closed by its supervisor at the end of all.
    talk: Option<Talk>,
    deadline: Instant,
}

impl Stopping<'_> {
    /// Waits until nothing is left of it.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(mut self) -> Result<(), LaunchError> {
        if let Some(talk) = &mut self.talk
            && !talk.ends(self.deadline)
        {
            // The supervisor itself hangs. Without it the kernel ends the sandbox.
            self.sandbox.kill_supervisor();
            talk.ends(Instant::now() + GONE);
        }
        let mut deadline = Instant::now() + GONE;
        let mut killed = false;
        let facts = &self.sandbox.facts;
        // The supervisor ends after everything that it had started.
        let left = || {
            self.sandbox.is_there() || Process::is_first(facts) || Process::runs(facts.supervisor)
        };
        while left() {
            if Instant::now() > deadline {
                if std::mem::replace(&mut killed, true) {
                    return Err(LaunchError::plain(NOT_ENDED));
                }
                // It hangs at its very end, as when it was stopped there.
                self.sandbox.kill_supervisor();
                deadline = Instant::now() + GONE;
            }
            // The supervisor is gone, and who cleans up behind it announces nothing.
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}
