//! What is on its way to one socket: bytes that it did not take yet, and descriptors with the first
//! byte of their message.
//!
//! What comes from the other side goes to the socket from where it was read; only what that does not
//! take at once is kept. A message of ours never lands within one that is still coming through.

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::fields::MAX_FDS;

/// The bytes that are kept for a socket before nothing more is read for it.
const FULL: usize = 64 << 10;

/// A queue to one socket.
#[derive(Debug, Default)]
pub struct Out {
    queue: Vec<u8>,
    /// How much of the queue is sent.
    start: usize,
    /// Positions, counted from the beginning of the queue, where a message with descriptors begins.
    marks: VecDeque<(usize, Vec<OwnedFd>)>,
    /// Whether a message is coming through whose end is not here.
    open: bool,
    /// What waits for that end.
    later: Vec<(Vec<u8>, Vec<OwnedFd>)>,
}

impl Out {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.queue.len()
    }

    /// Whether more is kept than should be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let later: usize = self.later.iter().map(|(bytes, _)| bytes.len()).sum();
        self.queue.len() - self.start + later > FULL
    }

    /// Adds bytes of the message that is coming through, or whole messages.
    pub fn push(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
    }

    /// These descriptors belong to the message that is added next.
    pub fn attach(&mut self, fds: Vec<OwnedFd>) {
        if !fds.is_empty() {
            self.marks.push_back((self.queue.len(), fds));
        }
    }

    /// Adds a message of ours, as soon as none is in the way.
    pub fn insert(&mut self, message: Vec<u8>, fds: Vec<OwnedFd>) {
        if self.open {
            self.later.push((message, fds));
        } else {
            self.attach(fds);
            self.push(&message);
        }
    }

    /// Whether the message that comes through goes on after what was added.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
        if !open {
            for (message, fds) in std::mem::take(&mut self.later) {
                self.attach(fds);
                self.push(&message);
            }
        }
    }

    /// Sends bytes after what waits, and keeps what the socket does not take.
    ///
    /// # Errors
    /// When the socket is not connected any more.
    pub fn through(&mut self, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        let mut rest = bytes;
        if self.is_empty() {
            while !rest.is_empty() {
                let fds = self.marks.front().map_or(&[][..], |(_, fds)| fds);
                match transmit(socket, rest, fds)? {
                    Some(sent) => {
                        self.marks.pop_front();
                        rest = rest.get(sent..).unwrap_or_default();
                    }
                    None => break,
                }
            }
            self.push(rest);
            Ok(())
        } else {
            self.push(rest);
            self.flush(socket)
        }
    }

    /// Sends what waits, as far as the socket takes it.
    ///
    /// # Errors
    /// When the socket is not connected any more.
    pub fn flush(&mut self, socket: &OwnedFd) -> Result<(), Errno> {
        while self.start < self.queue.len() {
            let (fds, end) = match self.marks.front() {
                Some((at, fds)) if *at == self.start => {
                    (fds.as_slice(), self.marks.get(1).map(|(next, _)| *next))
                }
                Some((at, _)) => (&[][..], Some(*at)),
                None => (&[][..], None),
            };
            let end = end.unwrap_or(self.queue.len());
            let bytes = self.queue.get(self.start..end).unwrap_or_default();
            let with_fds = !fds.is_empty();
            let Some(sent) = transmit(socket, bytes, fds)? else { break };
            self.start += sent;
            if with_fds {
                self.marks.pop_front();
            }
        }
        self.tidy();
        Ok(())
    }

    /// Gives up what is sent; a socket that is drained keeps no memory for long.
    fn tidy(&mut self) {
        if self.is_empty() {
            self.queue.clear();
            self.start = 0;
            if self.queue.capacity() > FULL {
                self.queue = Vec::new();
            }
        } else if self.start > FULL {
            self.queue.drain(..self.start);
            for (at, _) in &mut self.marks {
                *at -= self.start;
            }
            self.start = 0;
        }
    }
}

/// Sends once: how many bytes, or none when the socket takes nothing now.
fn transmit(socket: &OwnedFd, bytes: &[u8], fds: &[OwnedFd]) -> Result<Option<usize>, Errno> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = loop {
        let sent = if fds.is_empty() {
            send(socket, bytes, flags)
        } else {
            with_descriptors(socket, bytes, fds, flags)
        };
        if sent != Err(Errno::INTR) {
            break sent;
        }
    };
    match sent {
        Ok(sent) => Ok(Some(sent)),
        Err(Errno::AGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn with_descriptors(
    socket: &OwnedFd,
    bytes: &[u8],
    fds: &[OwnedFd],
    flags: SendFlags,
) -> Result<usize, Errno> {
    let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(OwnedFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(Errno::TOOBIG);
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, flags)
}
