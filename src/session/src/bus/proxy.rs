//! The program between the app and its buses: `arkose-dbus-proxy --control`, started, told what to do,
//! and waited for. It ends when its socket closes, and the kernel ends it with this process.

use crate::child::Program;
use crate::error::{Error, Kind};
use crate::lines::Lines;
use crate::{guard, installed};
use serde_json::Value;
use std::os::fd::BorrowedFd;
use std::process::Stdio;

/// Its name, in `libexec`.
pub(crate) const NAME: &str = "arkose-dbus-proxy";

/// The running proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    /// First, so that it has ended by itself when it is stopped.
    pub(super) lines: Lines,
    program: Program,
}

impl Proxy {
    /// Starts it with its first line; it is not waited for.
    pub(super) fn start(first: &Value) -> Result<Self, Error> {
        let path = installed::inner(NAME).ok_or_else(|| Error::new(Kind::NoProxy))?;
        let failed = |errno| Error::new(Kind::CannotStart).value(NAME).because(errno);
        let (mut lines, theirs) = Lines::pair().map_err(failed)?;
        let mut command = guard::disposable(path);
        command.arg("--control").env_clear().current_dir("/").stdin(Stdio::from(theirs));
        let program = Program::start_disposable(NAME, command)?;
        lines.say(first);
        Ok(Self { lines, program })
    }

    /// Waits until it listens; given up when `stop` is readable.
    pub(super) fn wait_ready(&mut self, stop: BorrowedFd<'_>) -> Result<(), Error> {
        loop {
            self.program.wait_word(self.lines.socket(), Some(stop))?;
            let said = self.lines.pass();
            if said.iter().any(|line| line.get("ready") == Some(&Value::Bool(true))) {
                return Ok(());
            }
            if self.lines.is_over() {
                return Err(self.program.last_words());
            }
        }
    }

    /// Ends it; its sockets are the sandbox's directory's to remove.
    pub(super) fn stop(&mut self) {
        self.program.stop();
    }
}
