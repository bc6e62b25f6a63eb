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
/// How many files may wait with it.
const MOST_FILES: usize = 64;
/// How much may wait to be read by the other side.
const WAITING: usize = 1 << 20;

/// One end of the connection.
#[derive(Debug)]
pub(crate) struct Lines {
    socket: OwnedFd,
    heard: Vec<u8>,
    waiting: VecDeque<u8>,
    /// Files, each with how many of the bytes that wait come before it.
    files: VecDeque<(usize, OwnedFd)>,
    over: bool,
}

impl Lines {
    /// This end, and the one that the program gets, which blocks.
    pub(crate) fn pair() -> rustix::io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (heard, waiting, files) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Ok((Self { socket: ours, heard, waiting, files, over: false }, theirs))
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

    /// Adds a line with a file, which holds what is too long for a line, and sends what can be sent.
    pub(crate) fn say_file(&mut self, value: &Value, file: OwnedFd) {
        self.files.push_back((self.waiting.len(), file));
        self.over |= self.files.len() > MOST_FILES;
        self.say(value);
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

    /// Sends what can be sent at once: a file with the first byte of its line, and up to the next one.
    fn write_some(&mut self) -> rustix::io::Result<usize> {
        let (bytes, _) = self.waiting.as_slices();
        let until = self.files.iter().map(|(before, _)| *before).find(|before| *before > 0);
        let bytes = bytes.get(..until.unwrap_or(bytes.len())).unwrap_or(bytes);
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let Some((_, file)) = self.files.front().filter(|(before, _)| *before == 0) else {
            return send(&self.socket, bytes, flags);
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let file = [file.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&file));
        let sent = sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut ancillary, flags)?;
        self.files.pop_front();
        Ok(sent)
    }

    fn write(&mut self) {
        while !self.waiting.is_empty() && !self.over {
            match self.write_some() {
                Ok(length) => {
                    drop(self.waiting.drain(..length));
                    self.files.iter_mut().for_each(|(before, _)| *before -= length);
                }
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

    /// Reads until nothing comes, and counts the files that came, each with how many bytes came before it.
    fn receive(from: &UnixStream) -> (Vec<u8>, Vec<usize>) {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, recvmsg};
        let (mut all, mut files) = (Vec::new(), Vec::new());
        loop {
            let mut bytes = [0; 1000];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [std::io::IoSliceMut::new(&mut bytes)];
            let Ok(received) = recvmsg(from, parts, &mut ancillary, RecvFlags::DONTWAIT) else {
                return (all, files);
            };
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = message {
                    files.extend(fds.map(|_| all.len()));
                }
            }
            all.extend(&bytes[..received.bytes]);
        }
    }

    #[test]
    fn a_file_comes_with_its_line_whatever_waits_before_it() {
        let (mut ours, theirs) = pair();
        let (file, long) = (|| OwnedFd::from(UnixStream::pair().unwrap().0), "x".repeat(300_000));
        ours.say(&json!(long));
        ours.say_file(&json!(1), file());
        ours.say(&json!(2));
        ours.say_file(&json!(3), file());
        let (mut all, mut files) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            let (bytes, at) = receive(&theirs);
            files.extend(at.iter().map(|at| at + all.len()));
            all.extend(bytes);
            ours.pass();
        }
        let text = String::from_utf8(all).unwrap();
        assert!(text.ends_with("\"\n1\n2\n3\n"), "{}", text.len());
        // A file may come with what stands before its line, and never later than the line.
        let lines = [text.len() - 6, text.len() - 2];
        assert!(files.len() == 2 && files.iter().zip(lines).all(|(at, line)| *at <= line));
        assert!(!ours.is_over());
    }

    #[test]
    fn who_does_not_listen_is_given_up() {
        let (mut ours, _theirs) = pair();
        let line = json!("x".repeat(LINE));
        (0..100).for_each(|_| ours.say(&line));
        assert!(ours.is_over());
    }
}
