//! A display and a session bus of the test user's, as a desktop has them.

use crate::arkose::{Arkose, Busy, Quiet, busy};
use crate::machine::machine;
use crate::wait::Lines;
use std::process::{Child, Command, Stdio};

/// A virtual X server with a cookie, and a session bus. Both end with it.
#[derive(Debug)]
pub struct Display {
    child: Child,
    variables: Vec<(String, String)>,
    _turn: Option<Busy>,
}

/// What a client needs to know of a display.
const VARIABLES: [&str; 3] = ["DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"];

impl Display {
    /// Starts both and waits until they answer.
    ///
    /// # Panics
    ///
    /// When they do not start.
    #[must_use]
    pub fn start() -> Self {
        // To a test that has the host for itself, this display would be something that came or went.
        Self::start_in(Some(busy()))
    }

    /// As [`start`](Self::start), for a test that holds a [`Quiet`] host.
    ///
    /// # Panics
    ///
    /// When they do not start.
    #[must_use]
    pub fn start_alone(_quiet: &Quiet) -> Self {
        Self::start_in(None)
    }

    fn start_in(turn: Option<Busy>) -> Self {
        let script =
            std::env::var_os("ARKOSE_ENV_DIR").expect("ARKOSE_ENV_DIR is set by ./dev test");
        let mut command = machine().as_user(std::path::Path::new(&script).join("display.sh"));
        // It runs until its input is closed, which happens when this is dropped, however the test ends.
        command
            .args(["--no-wm", "sh", "-c", "env; echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let child = command.spawn().expect("display.sh starts");
        let mut display = Self { child, variables: Vec::new(), _turn: turn };
        let mut lines = Lines::of(display.child.stdout.take().expect("its output"));
        loop {
            let line = lines.next_line().expect("a display: see its message above");
            if line == "ready" {
                return display;
            }
            if let Some((name, value)) =
                line.split_once('=').filter(|(name, _)| VARIABLES.contains(name))
            {
                display.variables.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// One of `DISPLAY`, `XAUTHORITY` and `DBUS_SESSION_BUS_ADDRESS`.
    #[must_use]
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Gives a call this display.
    #[must_use]
    pub fn give(&self, call: Arkose) -> Arkose {
        self.variables.iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    /// A command of the host, run as the test user on this display.
    #[must_use]
    pub fn host(&self, program: &str) -> Command {
        let mut command = machine().as_user(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The windows of this display, as xwininfo prints their tree.
    #[must_use]
    pub fn windows(&self) -> String {
        let output =
            self.host("xwininfo").args(["-root", "-tree"]).output().expect("xwininfo runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
