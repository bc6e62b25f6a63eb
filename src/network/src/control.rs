//! The socket to the supervisor: lines of JSON both ways, descriptors with some, and the end of it.
//!
//! Down come the setup ([`crate::setup`]), then `{"answer":N,"allow":B,"for":"once"|"launch","rule":TEXT}`.
//! What is asked has a number, which the answer bears: `{"traffic":N}` for what went where, `{"rules":N}` for the
//! rules that hold, and `{"change":N}` to change them, which comes with a file: there may be more to change than a
//! line holds. Up go `{"ready":true}`, `{"ask":N,…}`, `{"withdrawn":N}`, `{"settled":N}`, `{"event":…}` and the
//! answers.

use arkose_profile::net::Change;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};
use serde::Deserialize;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IoSliceMut, Read as _, Seek as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// The most bytes of a line that is read.
const LONGEST: usize = 1 << 20;
/// The bytes for lines that are kept when there are none.
const FEW: usize = 4096;
/// The most descriptors.
const MOST_FDS: usize = 16;
/// The most bytes of a file that says what is to change.
const LONGEST_FILE: u64 = 8 << 20;

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
    /// The rules are to change, as the next file says.
    Change {
        /// Its number.
        change: u64,
    },
    /// The rules that hold are to be told.
    Rules {
        /// Its number.
        rules: u64,
    },
    /// What went where is to be told.
    Traffic {
        /// Its number.
        traffic: u64,
    },
}

/// Our end.
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    read: Vec<u8>,
    /// What came with lines, in their order.
    files: VecDeque<OwnedFd>,
    /// How much of it ends no line: ten thousand rules come in many pieces.
    searched: usize,
}

impl Control {
    /// The supervisor is at the other end.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, read: Vec::new(), searched: 0, files: VecDeque::new() }
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
        loop {
            if let Some(line) = self.line() {
                return Ok((line, std::mem::take(&mut self.files).into()));
            }
            match self.receive(RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Ok(0) => return Err(Errno::PIPE),
                _ if self.read.len() > LONGEST => return Err(Errno::PIPE),
                other => drop(other?),
            }
        }
    }

    /// Reads some bytes, and what came with them.
    fn receive(&mut self, flags: RecvFlags) -> Result<usize, Errno> {
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let message = recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            flags | RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                self.files.extend(rights);
            }
        }
        self.read.extend_from_slice(bytes.get(..message.bytes).unwrap_or_default());
        if message.flags.contains(ReturnFlags::CTRUNC) || self.files.len() > MOST_FDS {
            return Err(Errno::TOOBIG);
        }
        Ok(message.bytes)
    }

    /// What the next file says is to change.
    ///
    /// # Errors
    /// When none has come, it is too long, or says something else.
    pub fn change(&mut self) -> std::io::Result<Change> {
        let file = self.files.pop_front().ok_or(std::io::ErrorKind::NotFound)?;
        let (mut file, mut bytes) = (File::from(file), Vec::new());
        file.rewind()?;
        file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Reads what came, without what is not known; none when the other end is closed, or goes on
    /// without a line.
    pub fn said(&mut self) -> Option<Vec<Said>> {
        match self.receive(RecvFlags::DONTWAIT) {
            Ok(0) => return None,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
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
        let new = self.read.get(self.searched..).unwrap_or_default();
        let Some(end) = new.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.read.len();
            return None;
        };
        let mut line: Vec<u8> = self.read.drain(..=self.searched + end).collect();
        self.searched = 0;
        line.pop();
        Some(line)
    }
}
