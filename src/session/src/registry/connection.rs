//! One connection to a sandbox: a line in, lines out, all of it bounded and without waiting.

use nix::poll::PollFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg,
    sendmsg,
};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// The longest request.
const LINE: usize = 4096;
/// How much may wait to be read by the other side.
const WAITING: usize = 256 * 1024;

/// The same of an answer that may be long: all rules that there can be.
const LONG: usize = 24 << 20;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    line: Vec<u8>,
    fd: Option<OwnedFd>,
    waiting: VecDeque<u8>,
    /// How much of that there may be.
    most: usize,
    turn: Turn,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The other side's: it has not asked yet.
    Ask,
    /// Ours: when all is said it is over.
    Say,
    /// Somebody else's, who has the answer with that number.
    Wait(u64),
    /// It stays open until the sandbox ends.
    Stay,
    /// As long, and events are told.
    Follow,
    /// The same, of those on the buses.
    FollowLog,
    /// Nobody's.
    Over,
}

impl Connection {
    /// `socket` must not block.
    pub(super) fn new(socket: OwnedFd) -> Self {
        let (line, waiting) = (Vec::new(), VecDeque::new());
        Self { socket, line, fd: None, waiting, most: WAITING, turn: Turn::Ask }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What is waited for; the end of the other side is told in any case.
    pub(super) fn wanted(&self) -> PollFlags {
        match self.turn {
            Turn::Ask => PollFlags::POLLIN,
            _ if self.waiting.is_empty() => PollFlags::empty(),
            _ => PollFlags::POLLOUT,
        }
    }

    pub(super) fn has_asked(&self) -> bool {
        self.turn != Turn::Ask
    }

    pub(super) fn follows(&self) -> bool {
        self.turn == Turn::Follow
    }

    pub(super) fn follows_log(&self) -> bool {
        self.turn == Turn::FollowLog
    }

    pub(super) fn is_over(&self) -> bool {
        self.turn == Turn::Over || (self.turn == Turn::Say && self.waiting.is_empty())
    }

    pub(super) fn waits_for(&self, number: u64) -> bool {
        self.turn == Turn::Wait(number)
    }

    /// The answer comes later, under that number, and may be long.
    pub(super) fn wait(&mut self, number: u64) {
        self.most = LONG;
        self.turn = Turn::Wait(number);
    }

    pub(super) fn stay(&mut self) {
        self.turn = Turn::Stay;
    }

    pub(super) fn follow(&mut self) {
        self.turn = Turn::Follow;
    }

    /// Says what was kept of a log, and stays for what comes if that is to be followed.
    pub(super) fn log<'l>(&mut self, lines: impl Iterator<Item = &'l str>, follow: bool) {
        for line in lines {
            self.waiting.extend(line.as_bytes());
            self.waiting.push_back(b'\n');
        }
        self.turn = if follow { Turn::FollowLog } else { Turn::Say };
        self.most = WAITING + self.waiting.len();
        self.write();
    }

    /// Reads and writes what can be; the request, once it is whole, and the descriptor that came with it.
    pub(super) fn pass(&mut self, ready: PollFlags) -> Option<(Value, Option<OwnedFd>)> {
        if ready.contains(PollFlags::POLLOUT) {
            self.write();
        }
        if self.turn == Turn::Ask {
            return if ready.is_empty() { None } else { self.read() };
        }
        if ready.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            self.turn = Turn::Over;
        }
        None
    }

    fn read(&mut self) -> Option<(Value, Option<OwnedFd>)> {
        let mut buffer = [0; LINE];
        match self.receive(&mut buffer) {
            Ok(0) => self.turn = Turn::Over,
            Ok(length) => self.line.extend(buffer.iter().take(length)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return None,
            Err(_) => self.turn = Turn::Over,
        }
        let line = self.line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.len() == self.line.len() {
            if line.len() > LINE {
                self.refuse("a request is one line of at most 4096 bytes");
            }
            return None;
        }
        match serde_json::from_slice(line) {
            Ok(request) => {
                self.turn = Turn::Say;
                Some((request, self.fd.take()))
            }
            Err(_) => {
                self.refuse("a request is an object of JSON on one line");
                None
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> rustix::io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let received = recvmsg(&self.socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(mut rights) = message {
                self.fd = rights.next().or(self.fd.take());
            }
        }
        Ok(received.bytes)
    }

    /// Adds a line, and sends what can be sent.
    pub(super) fn say(&mut self, value: &Value) {
        self.waiting.extend(value.to_string().as_bytes());
        self.waiting.push_back(b'\n');
        if self.waiting.len() > self.most {
            // It does not listen.
            self.turn = Turn::Over;
        }
        self.write();
    }

    /// The answer, after which nothing comes.
    pub(super) fn last(&mut self, value: &Value) {
        self.turn = Turn::Say;
        self.say(value);
    }

    pub(super) fn refuse(&mut self, why: &str) {
        self.last(&json!({ "error": why }));
    }

    fn write(&mut self) {
        while !self.waiting.is_empty() {
            let (bytes, _) = self.waiting.as_slices();
            let mut none = SendAncillaryBuffer::default();
            // A flag and not the socket's own: its other end may be shared.
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut none, flags) {
                Ok(length) => drop(self.waiting.drain(..length)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => {
                    self.turn = Turn::Over;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    fn pair() -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Connection::new(ours.into()), theirs)
    }

    #[test]
    fn a_request_may_come_in_pieces() {
        let (mut one, mut theirs) = pair();
        theirs.write_all(b"{\"ask\":").unwrap();
        assert!(one.pass(PollFlags::POLLIN).is_none());
        theirs.write_all(b"\"x\"}\n{").unwrap();
        let (request, fd) = one.pass(PollFlags::POLLIN).unwrap();
        assert_eq!((request["ask"].as_str(), fd.is_none()), (Some("x"), true));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut one, mut theirs) = pair();
        for _ in 0..3 {
            theirs.write_all(&[b'x'; 3000]).unwrap();
            let _ = one.pass(PollFlags::POLLIN);
        }
        assert!(one.is_over());
        drop(one);
        let mut said = String::new();
        // What it wrote and we did not read makes the kernel report a reset at the end.
        let _ = theirs.read_to_string(&mut said);
        assert!(said.contains("error"), "{said}");
    }

    #[test]
    fn who_does_not_read_is_dropped() {
        let (mut one, _theirs) = pair();
        one.follow();
        let event = json!({ "event": "x".repeat(10_000) });
        (0..200).for_each(|_| one.say(&event));
        assert!(one.is_over());
    }
}
