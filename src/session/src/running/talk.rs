//! One request to a supervisor, and what it says to it.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, sendmsg,
};
use serde_json::Value;
use std::fs::File;
use std::io::{IoSlice, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The longest line that is taken.
const LINE: usize = 1 << 20;

/// A connection on which something was asked.
#[derive(Debug)]
pub(super) struct Talk {
    socket: File,
    heard: Vec<u8>,
    over: bool,
}

impl From<Talk> for OwnedFd {
    fn from(talk: Talk) -> Self {
        talk.socket.into()
    }
}

impl Talk {
    /// Connects to the sandbox whose directory this is, and asks.
    pub(super) fn begin(
        dir: BorrowedFd<'_>,
        request: &Value,
        fd: Option<BorrowedFd<'_>>,
    ) -> rustix::io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let path = format!("/proc/self/fd/{}/{}", dir.as_raw_fd(), crate::registry::SOCKET);
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        let line = format!("{request}\n");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<_> = fd.into_iter().collect();
        if !fds.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        }
        // Short lines are sent whole.
        sendmsg(&socket, &[IoSlice::new(line.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(Self { socket: File::from(socket), heard: Vec::new(), over: false })
    }

    /// The next line; nothing at the end, at the deadline, or when what comes is none.
    pub(super) fn line(&mut self, deadline: Instant) -> Option<Value> {
        self.until(Some(deadline))
    }

    /// The next line, however long it takes.
    pub(super) fn next(&mut self) -> Option<Value> {
        self.until(None)
    }

    /// Whether nothing more comes.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Waits for the end; false when the deadline comes first.
    pub(super) fn ends(&mut self, deadline: Instant) -> bool {
        loop {
            self.heard.clear();
            match self.hear(Some(deadline)) {
                Some(0) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    fn until(&mut self, deadline: Option<Instant>) -> Option<Value> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                let line = serde_json::from_slice(&line).ok();
                self.over |= line.is_none();
                return line;
            }
            if self.heard.len() > LINE || self.hear(deadline)? == 0 {
                self.over = true;
                return None;
            }
        }
    }

    /// Reads what is there, waiting for it; nothing at the deadline.
    fn hear(&mut self, deadline: Option<Instant>) -> Option<usize> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Rounded up, so that the last wait is not a busy one.
            let left = left.map(|left| PollTimeout::try_from(left + Duration::from_millis(1)));
            let timeout = left.map_or(PollTimeout::NONE, |left| left.unwrap_or(PollTimeout::MAX));
            match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) => return None,
                Err(nix::errno::Errno::EINTR) => {}
                Ok(_) | Err(_) => break,
            }
        }
        let mut buffer = [0; 4096];
        let length = self.socket.read(&mut buffer).unwrap_or(0);
        self.heard.extend(buffer.iter().take(length));
        Some(length)
    }
}
