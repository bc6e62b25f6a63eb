//! Lines of JSON to and from a program that serves one sandbox: bounded, and without waiting.

use nix::poll::PollFlags;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, recv, send, sendmsg, socketpair};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// The longest line.
const LINE: usize = 64 * 1024;
/// The most descriptors with it.
const MOST_FDS: usize = 8;
/// How much may wait to be read by the other side.
const WAITING: usize = 1 << 20;

/// One end of the connection.
#[derive(Debug)]
pub(crate) struct Lines {
    socket: OwnedFd,
    heard: Vec<u8>,
    waiting: VecDeque<u8>,
    over: bool,
}

impl Lines {
    /// This end, and the one that the program gets, which blocks.
    pub(crate) fn pair() -> rustix::io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (heard, waiting) = (Vec::new(), VecDeque::new());
        Ok((Self { socket: ours, heard, waiting, over: false }, theirs))
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What is waited for.
    pub(crate) fn wanted(&self) -> PollFlags {
        let room = if self.waiting.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
        PollFlags::POLLIN | room
    }

    /// Whether the other side is gone, has said what is no line, or does not listen.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Adds a line, and sends what can be sent.
    pub(crate) fn say(&mut self, value: &Value) {
        self.waiting.extend(value.to_string().as_bytes());
        self.waiting.push_back(b'\n');
        self.write();
        self.over |= self.waiting.len() > WAITING;
    }

    /// Adds a first line with descriptors, which arrive with its first bytes.
    pub(crate) fn say_with(&mut self, value: &Value, fds: &[BorrowedFd<'_>]) {
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let packed = ancillary.push(SendAncillaryMessage::ScmRights(fds));
        match sendmsg(&self.socket, &[IoSlice::new(&line)], &mut ancillary, flags) {
            Ok(sent) if packed => self.waiting.extend(line.iter().skip(sent)),
            _ => self.over = true,
        }
        self.over |= self.waiting.len() > WAITING;
    }

    /// Sends what waits and reads what is there: the whole lines that have come.
    pub(crate) fn pass(&mut self) -> Vec<Value> {
        self.write();
        self.read();
        let mut lines = Vec::new();
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(value) => lines.push(value),
                Err(_) => self.over = true,
            }
        }
        self.over |= self.heard.len() > LINE;
        lines
    }

    /// Once: who says more than this is heard again in the next turn.
    fn read(&mut self) {
        let mut buffer = [0; LINE / 4];
        match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.over = true,
            Ok((length, _)) => self.heard.extend(buffer.iter().take(length)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => self.over = true,
        }
    }

    fn write(&mut self) {
        while !self.waiting.is_empty() && !self.over {
            let (bytes, _) = self.waiting.as_slices();
            match send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(length) => drop(self.waiting.drain(..length)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => self.over = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    fn pair() -> (Lines, UnixStream) {
        let (ours, theirs) = Lines::pair().unwrap();
        (ours, theirs.into())
    }

    #[test]
    fn lines_come_in_pieces_and_several_at_once() {
        let (mut ours, mut theirs) = pair();
        theirs.write_all(b"{\"a\":1}\n[2]\n{\"b\"").unwrap();
        assert_eq!(ours.pass(), [json!({ "a": 1 }), json!([2])]);
        theirs.write_all(b":3}\n").unwrap();
        assert_eq!(ours.pass(), [json!({ "b": 3 })]);
        assert!(ours.pass().is_empty() && !ours.is_over());
        ours.say(&json!({ "c": 4 }));
        let mut said = [0; 8];
        theirs.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"{\"c\":4}\n");
        drop(theirs);
        assert!(ours.pass().is_empty() && ours.is_over());
    }

    #[test]
    fn what_is_no_line_ends_it() {
        let (mut ours, mut theirs) = pair();
        theirs.write_all(b"nonsense\n").unwrap();
        assert!(ours.pass().is_empty() && ours.is_over());
        let (mut ours, mut theirs) = pair();
        for _ in 0..5 {
            theirs.write_all(&[b'x'; LINE / 4]).unwrap();
            assert!(ours.pass().is_empty());
        }
        assert!(ours.is_over());
    }

    #[test]
    fn who_does_not_listen_is_given_up() {
        let (mut ours, _theirs) = pair();
        let line = json!("x".repeat(LINE));
        (0..100).for_each(|_| ours.say(&line));
        assert!(ours.is_over());
    }
}
