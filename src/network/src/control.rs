//! The socket to the supervisor: lines of JSON both ways, descriptors with the first, and the end of it.
//!
//! Down come the setup ([`crate::setup`]), then `{"answer":N,"allow":B,"for":"once"|"launch","rule":TEXT}`,
//! `{"rules":…}`, `{"traffic":true}` and `{"walls":N,"done":B}`. Up go `{"ready":true}`, `{"ask":N,…}`,
//! `{"withdrawn":N}`, `{"settled":N}`, `{"event":…}`, `{"traffic":…}`, and what is handed over ([`crate::walls`]):
//! `{"walls":N,"load":…}`, `{"walls":N,"names":…}`, `{"walls":N,"answers":…}`.

use arkose_profile::net::Rules;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recv, recvmsg,
    send,
};
use serde::Deserialize;
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// The most bytes of a line that is read.
const LONGEST: usize = 1 << 20;
/// The bytes for lines that are kept when there are none.
const FEW: usize = 4096;
/// The most descriptors.
const MOST_FDS: usize = 16;

/// For how long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// For the connections that wait, and those of the same kind shortly after.
    Once,
    /// As long as the sandbox runs.
    Launch,
}

/// What the supervisor says when the person was asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Given {
    /// The number of the question.
    pub answer: u64,
    /// Whether it goes on.
    pub allow: bool,
    /// For how long that holds.
    #[serde(rename = "for")]
    pub span: Span,
    /// The rule that was chosen, without its verdict; without one it is the narrowest for what is to last, and
    /// none for what is not.
    #[serde(default)]
    pub rule: Option<String>,
}

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// An answer.
    Given(Given),
    /// What became of something that was handed over.
    Walls {
        /// Its number.
        walls: u64,
        /// Whether it was done.
        done: bool,
    },
    /// Other rules.
    Rules {
        /// All of them.
        rules: Rules,
    },
    /// What went where is to be told.
    Traffic {
        /// Always true.
        traffic: bool,
    },
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

    /// Waits for the first line, and the descriptors that come with it.
    ///
    /// # Errors
    /// When the other end is closed before it, the line is too long, or there are too many descriptors.
    pub fn first_line(&mut self) -> Result<(Vec<u8>, Vec<OwnedFd>), Errno> {
        let mut fds = Vec::new();
        loop {
            if let Some(line) = self.line() {
                return Ok((line, fds));
            }
            let mut bytes = [0; 4096];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let received = recvmsg(
                &self.socket,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut ancillary,
                RecvFlags::CMSG_CLOEXEC,
            );
            let message = match received {
                Err(Errno::INTR) => continue,
                other => other?,
            };
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(rights) = message {
                    fds.extend(rights);
                }
            }
            self.read.extend_from_slice(bytes.get(..message.bytes).unwrap_or_default());
            if message.flags.contains(ReturnFlags::CTRUNC) || fds.len() > MOST_FDS {
                return Err(Errno::TOOBIG);
            }
            if message.bytes == 0 || self.read.len() > LONGEST {
                return Err(Errno::PIPE);
            }
        }
    }

    /// Reads what came, without what is not known; none when the other end is closed, or goes on
    /// without a line.
    pub fn said(&mut self) -> Option<Vec<Said>> {
        let mut space = [0; 4096];
        match recv(&self.socket, &mut space[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => return None,
            Ok((count, _)) => self.read.extend_from_slice(space.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return None,
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
            match send(&self.socket, front, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => drop(lines.drain(..sent)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        // What a flood needed is not kept.
        lines.shrink_to(FEW);
        Ok(())
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.read.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}
