//! A terminal window with `arkose` in it.

use crate::arkose::{Arkose, Busy, busy};
use crate::host;
use crate::wait::{self, LAUNCH};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A terminal with `arkose` on it, and what it shows.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    _busy: Busy,
}

impl Terminal {
    /// Starts the call on a terminal of 33 rows and 99 columns.
    ///
    /// # Panics
    ///
    /// When there is no terminal to be had.
    #[must_use]
    pub fn start(call: Arkose) -> Self {
        Self::start_command(&call.into_command())
    }

    /// As [`start`](Self::start), for a command that was made ready by hand.
    ///
    /// # Panics
    ///
    /// When there is no terminal to be had.
    #[must_use]
    pub fn start_command(inner: &Command) -> Self {
        let busy = busy();
        let size = Winsize { ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).unwrap();
        // Or what runs in the terminal would keep it open itself.
        for fd in [&pair.master, &pair.slave] {
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        // A session of its own, so that the terminal controls it as a terminal window would.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(inner.get_program()).args(inner.get_args());
        command
            .env_clear()
            .envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
        command.stdin(end(&pair.slave)).stdout(end(&pair.slave)).stderr(end(&pair.slave));
        let child = command.spawn().unwrap();
        let keyboard = File::from(pair.master);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new(), _busy: busy }
    }

    /// Types.
    ///
    /// # Panics
    ///
    /// When nobody has the terminal any more.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the window another size.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    pub fn resize(&self, rows: u16, columns: u16) {
        let mut stty = Command::new("stty");
        stty.args(["rows", &rows.to_string(), "cols", &columns.to_string()]);
        let status = stty.stdin(self.keyboard.try_clone().unwrap()).status().unwrap();
        assert!(status.success());
    }

    /// Waits until `text` was shown since the last wait.
    ///
    /// # Panics
    ///
    /// When it is not shown within [`LAUNCH`].
    pub fn shows(&mut self, text: &str) {
        let end = Instant::now() + LAUNCH;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.screen.recv_timeout(left) else {
                panic!("{text:?} was not shown: {:?}", self.shown)
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits for the end, with that exit status.
    ///
    /// # Panics
    ///
    /// When it does not end within [`LAUNCH`], or with another.
    pub fn ends_with(mut self, code: i32) {
        assert_eq!(self.end(), Some(code), "{:?}", self.shown);
    }

    /// Waits for the end, and answers what was shown since the last wait.
    ///
    /// # Panics
    ///
    /// When it does not end within [`LAUNCH`].
    #[must_use]
    pub fn ends(mut self) -> String {
        self.end();
        self.shown
    }

    fn end(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let ended = wait::until(LAUNCH, || {
            // A full screen would hold the app up.
            while let Ok(bytes) = self.screen.try_recv() {
                self.shown.push_str(&String::from_utf8_lossy(&bytes));
            }
            !host::runs(pid)
        });
        assert!(ended, "it goes on after {:?}", self.shown);
        let code = self.child.wait().unwrap().code();
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_millis(50)) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        code
    }
}
