//! One guarded program on the host: its end, its last words, and how it is stopped.

use crate::error::{Error, Kind};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How much of what a program says is kept; what comes later is refused by the seal.
const LOG_SIZE: u64 = 32 * 1024;
/// How long a program may take to get ready.
const READY: Duration = Duration::from_secs(10);
/// How long a program may take to end when asked; then it is killed.
const GRACE: Duration = Duration::from_millis(400);

/// A running guarded program; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    pidfd: OwnedFd,
    log: File,
    ended: bool,
}

impl Program {
    /// Starts a command; its standard error goes to a bounded log.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::new(Kind::CannotStart).value(name).because(error);
        let log = log().map_err(|errno| failed(errno.into()))?;
        command.stderr(Stdio::from(log.try_clone().map_err(failed)?));
        let mut child = command.spawn().map_err(failed)?;
        let pidfd = Pid::from_raw(child.id().cast_signed())
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        match pidfd {
            Ok(pidfd) => Ok(Self { name, child, pidfd, log, ended: false }),
            Err(errno) => {
                drop(child.kill());
                drop(child.wait());
                Err(failed(errno.into()))
            }
        }
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

    /// The line that the program writes to `pipe` when it is ready.
    pub(crate) fn wait_line(&mut self, pipe: OwnedFd) -> Result<String, Error> {
        let mut pipe = File::from(pipe);
        let mut line = Vec::new();
        let deadline = Instant::now() + READY;
        while !line.ends_with(b"\n") {
            self.wait_readable(pipe.as_fd(), deadline)?;
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

    /// Waits until `fd` is readable, the program ends or the time is over.
    pub(crate) fn wait_readable(
        &mut self,
        fd: BorrowedFd<'_>,
        deadline: Instant,
    ) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds =
                [PollFd::new(fd, PollFlags::POLLIN), PollFd::new(self.pidfd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout(left)) {
                Ok(0) => return Err(Error::new(Kind::TooSlow).value(self.name)),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(Error::new(Kind::Internal).value("poll").because(errno)),
            }
            let [ready, ended] = fds.map(|fd| fd.any().unwrap_or(false));
            if ready {
                return Ok(());
            }
            if ended {
                return Err(self.last_words());
            }
        }
    }

    /// When the program must be ready at the latest, counted from now.
    pub(crate) fn deadline() -> Instant {
        Instant::now() + READY
    }

    /// Why it ended, in its own words.
    pub(crate) fn last_words(&self) -> Error {
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = self.log.read_at(&mut chunk, text.len() as u64) {
            text.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        let text = String::from_utf8_lossy(&text);
        match telling(&text) {
            Some(line) => Error::new(Kind::Ended).value(self.name).value(line),
            None => Error::new(Kind::EndedSilently).value(self.name),
        }
    }

    /// Asks it to end, waits a bounded time, kills it, reaps it.
    pub(crate) fn stop(&mut self) {
        if self.has_ended() {
            return;
        }
        let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
        if !self.wait_end(GRACE) {
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

fn timeout(left: Duration) -> PollTimeout {
    // Rounded up, so that the last wait is not a busy one.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}

/// A file in memory that cannot grow: nothing has to drain it, and no flood fills the memory.
fn log() -> nix::Result<File> {
    let fd = memfd_create(c"arkose-log", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    nix::unistd::ftruncate(&fd, LOG_SIZE.cast_signed())?;
    fcntl(&fd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK))?;
    Ok(File::from(fd))
}

/// The line that says most: the last one with an error in it, else the last one.
fn telling(text: &str) -> Option<&str> {
    let lines =
        || text.trim_end_matches('\0').lines().map(str::trim).filter(|line| !line.is_empty());
    let error = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        !lower.starts_with("(ee)\u{20}\n") && (lower.contains("error") || lower.contains("cannot"))
    };
    lines()
        .rfind(error)
        .or_else(|| lines().next_back())
        .map(|line| line.trim_start_matches("(EE) "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_with_the_error_tells_most() {
        assert_eq!(telling("starting\nError: no host\n(EE) \n\0\0"), Some("Error: no host"));
        assert_eq!(telling("one\ntwo\n\n"), Some("two"));
        assert_eq!(telling("\0\0"), None);
    }
}
