//! Waiting with a bound: for a process to end, for a line to come, for a condition of the host.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a launch may take before the test has failed: far more than any needs.
pub const LAUNCH: Duration = Duration::from_secs(60);

/// Tries `condition` until it holds, for conditions of the host that nobody announces.
///
/// Answers whether it held within `limit`.
pub fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lines as they come from a pipe.
#[derive(Debug)]
pub struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    /// Reads lines from `pipe` in a thread until it is closed.
    #[must_use]
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { lines, seen: Vec::new() }
    }

    /// Waits for the next line; none when the pipe was closed.
    ///
    /// # Panics
    ///
    /// When nothing comes within [`LAUNCH`].
    pub fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LAUNCH) {
            Ok(line) => {
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no further line within {LAUNCH:?} after {:?}", self.seen)
            }
        }
    }

    /// Waits for a line that contains `text`, and answers it.
    ///
    /// # Panics
    ///
    /// When the pipe is closed first, or nothing comes within [`LAUNCH`].
    pub fn expect_line(&mut self, text: &str) -> String {
        while let Some(line) = self.next_line() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("the output ended without {text:?}: {:?}", self.seen);
    }

    /// Waits for a line that contains `text`, doing `nudge` every so often until it comes.
    ///
    /// For listeners that do not say when they listen.
    ///
    /// # Panics
    ///
    /// When the pipe is closed first, or it does not come within [`LAUNCH`].
    pub fn nudge_until(&mut self, text: &str, mut nudge: impl FnMut()) {
        let end = Instant::now() + LAUNCH;
        while Instant::now() < end {
            nudge();
            let pause = Instant::now() + Duration::from_millis(200);
            while let Ok(line) =
                self.lines.recv_timeout(pause.saturating_duration_since(Instant::now()))
            {
                self.seen.push(line.clone());
                if line.contains(text) {
                    return;
                }
            }
        }
        panic!("no line with {text:?} came: {:?}", self.seen);
    }

    /// Waits for the end, and answers every line that came since the beginning.
    pub fn rest(&mut self) -> &[String] {
        while self.next_line().is_some() {}
        &self.seen
    }
}
