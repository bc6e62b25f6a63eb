//! One guarded program on the host: its end, its last words, and how it is stopped.

mod log;

use crate::error::{Error, Kind};
use log::{Log, telling};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long a program may take to get ready.
const READY: Duration = Duration::from_secs(15);
/// How long a program may take to end when asked; then it is killed.
const GRACE: Duration = Duration::from_millis(400);

/// How often a log is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(15);

/// A running guarded program; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    pidfd: OwnedFd,
    log: Log,
    grace: Duration,
    ended: bool,
}

impl Program {
    /// Starts a command; its standard error goes to a bounded log.
    pub(crate) fn start(name: &'static str, command: Command) -> Result<Self, Error> {
        Self::start_with(name, command, |_, _| Ok(()))
    }

    /// Starts a command that logs to its standard output as well, and that leaves nothing when it is
    /// killed: so that is how it is stopped.
    pub(crate) fn start_disposable(name: &'static str, command: Command) -> Result<Self, Error> {
        let logged = |command: &mut Command, log: &Log| {
            command.stdout(log.stream()?);
            Ok(())
        };
        let mut program = Self::start_with(name, command, logged)?;
        program.grace = Duration::ZERO;
        Ok(program)
    }

    fn start_with(
        name: &'static str,
        mut command: Command,
        prepare: impl FnOnce(&mut Command, &Log) -> io::Result<()>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::new(Kind::CannotStart).value(name).because(error);
        let log = Log::new().map_err(failed)?;
        command.stderr(log.stream().map_err(failed)?);
        prepare(&mut command, &log).map_err(failed)?;
        let mut child = command.spawn().map_err(failed)?;
        let pidfd = Pid::from_raw(child.id().cast_signed())
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        match pidfd {
            Ok(pidfd) => Ok(Self { name, child, pidfd, log, grace: GRACE, ended: false }),
            Err(errno) => {
                drop(child.kill());
                drop(child.wait());
                Err(failed(errno.into()))
            }
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Readable once the program has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Whether it has ended; reaps it.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.ended = self.ended || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_));
        self.ended
    }

    /// The line that the program writes to `pipe` when it is ready; given up when `stop` is readable.
    pub(crate) fn wait_line(
        &mut self,
        pipe: OwnedFd,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<String, Error> {
        let mut pipe = File::from(pipe);
        let mut line = Vec::new();
        let deadline = Instant::now() + READY;
        while !line.ends_with(b"\n") {
            self.wait_readable(pipe.as_fd(), stop, deadline)?;
            let mut chunk = [0; 64];
            match pipe.read(&mut chunk) {
                // The pipe closes a moment before the process ends; its last words are then written.
                Ok(0) => return Err(self.last_words()),
                Ok(length) => line.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(error) => {
                    return Err(Error::new(Kind::CannotStart).value(self.name).because(error));
                }
            }
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Waits for what the program says first at `fd`; given up when `stop` is readable.
    pub(crate) fn wait_word(
        &mut self,
        fd: BorrowedFd<'_>,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<(), Error> {
        self.wait_readable(fd, stop, Instant::now() + READY)
    }

    /// Waits until `fd` is readable, the program ends, the time is over or `stop` is readable.
    fn wait_readable(
        &mut self,
        fd: BorrowedFd<'_>,
        stop: Option<BorrowedFd<'_>>,
        deadline: Instant,
    ) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // One more look at the same descriptor where there is nothing to be stopped by.
            let mut fds =
                [fd, self.pidfd(), stop.unwrap_or(fd)].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, timeout(left)) {
                Ok(0) => return Err(Error::new(Kind::TooSlow).value(self.name)),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(Error::new(Kind::Internal).value("poll").because(errno)),
            }
            let [ready, ended, stopped] = fds.map(|fd| fd.any().unwrap_or(false));
            if ready {
                return Ok(());
            }
            if stopped {
                return Err(Error::new(Kind::GivenUp));
            }
            if ended {
                return Err(self.last_words());
            }
        }
    }

    /// Waits until the program has logged `sign`; given up when `stop` is readable.
    pub(crate) fn wait_log(
        &mut self,
        sign: &str,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + READY;
        // Nothing tells of a write to a file in memory; a look at it costs next to nothing.
        while !self.has_said(sign) {
            if self.wait_end(LOOK) && !self.has_said(sign) {
                return Err(self.last_words());
            }
            if stop.is_some_and(is_readable) {
                return Err(Error::new(Kind::GivenUp));
            }
            if Instant::now() > deadline {
                return Err(Error::new(Kind::TooSlow).value(self.name));
            }
        }
        Ok(())
    }

    /// Whether the program has logged something.
    pub(crate) fn has_said(&self, sign: &str) -> bool {
        self.log.text().contains(sign)
    }

    /// Why it ended, in its own words.
    pub(crate) fn last_words(&self) -> Error {
        match telling(&self.log.text()) {
            Some(line) => Error::new(Kind::Ended).value(self.name).value(line),
            None => Error::new(Kind::EndedSilently).value(self.name),
        }
    }

    /// Why it is of no use although it runs, in its own words.
    pub(crate) fn broken(&self) -> Error {
        let text = self.log.text();
        Error::new(Kind::Broken).value(self.name).value(telling(&text).unwrap_or_default())
    }

    /// Asks it to end, waits a bounded time, kills it, reaps it.
    pub(crate) fn stop(&mut self) {
        if self.has_ended() {
            return;
        }
        if !self.grace.is_zero() {
            let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
        }
        if self.grace.is_zero() || !self.wait_end(self.grace) {
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
        drop(self.child.wait());
        self.ended = true;
    }

    /// Waits for its end; false when the time is over first.
    fn wait_end(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match poll(&mut [PollFd::new(self.pidfd(), PollFlags::POLLIN)], timeout(left)) {
                Ok(0) => return false,
                Err(nix::errno::Errno::EINTR) => {}
                Ok(_) | Err(_) => return true,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    matches!(poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO), Ok(1..))
}

fn timeout(left: Duration) -> PollTimeout {
    // Rounded up, so that the last wait is not a busy one.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}
