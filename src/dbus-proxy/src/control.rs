//! The socket to the supervisor: lines of JSON both ways, and the end of it.

use crate::setup::Log;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use serde::Deserialize;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

/// The most bytes of a line that is read.
const LONGEST: usize = 1 << 20;

/// What the supervisor says when it has said what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// The number of the question.
    pub answer: u64,
    /// Whether the calls go on.
    pub allow: bool,
    /// For how long that holds.
    #[serde(rename = "for")]
    pub span: Span,
}

/// What the supervisor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// An answer.
    Answer(Answer),
    /// What is to be told from now on.
    Log {
        /// Of which messages.
        log: Log,
    },
}

/// For how long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// For the calls that wait.
    Once,
    /// As long as the proxy runs.
    Launch,
}

/// Our end.
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    read: Vec<u8>,
}

impl Control {
    /// The supervisor is at the other end.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, read: Vec::new() }
    }

    /// The socket, to watch it.
    #[must_use]
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Waits for the first line.
    ///
    /// # Errors
    /// When the other end is closed before it, or the line is too long.
    pub fn first_line(&mut self) -> Result<Vec<u8>, Errno> {
        loop {
            if let Some(line) = self.line() {
                return Ok(line);
            }
            if !self.receive(RecvFlags::empty())? || self.read.len() > LONGEST {
                return Err(Errno::PIPE);
            }
        }
    }

    /// Reads what came, without what is not known; none when the other end is closed, or goes on
    /// without a line.
    pub fn said(&mut self) -> Option<Vec<Said>> {
        match self.receive(RecvFlags::DONTWAIT) {
            Ok(true) | Err(Errno::AGAIN) => {}
            Ok(false) | Err(_) => return None,
        }
        let mut said = Vec::new();
        while let Some(line) = self.line() {
            said.extend(serde_json::from_slice::<Said>(&line));
        }
        (self.read.len() <= LONGEST).then_some(said)
    }

    /// Writes what it takes now.
    ///
    /// # Errors
    /// When the other end is closed.
    pub fn tell(&self, lines: &mut VecDeque<u8>) -> Result<(), Errno> {
        while !lines.is_empty() {
            let (front, _) = lines.as_slices();
            match rustix::net::send(&self.socket, front, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
            {
                Ok(sent) => drop(lines.drain(..sent)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Whether anything came.
    fn receive(&mut self, flags: RecvFlags) -> Result<bool, Errno> {
        let mut space = [0; 4096];
        loop {
            match rustix::net::recv(&self.socket, &mut space[..], flags) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok((count, _)) => {
                    self.read.extend_from_slice(space.get(..count).unwrap_or_default());
                    return Ok(count > 0);
                }
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.read.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}
