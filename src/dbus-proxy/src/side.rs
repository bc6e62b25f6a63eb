//! One of the two sockets of a connection: what came and is not dealt with, and what goes there.

use crate::fault::Fault;
use crate::fields::MAX_FDS;
use crate::out::Out;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// The most bytes that one look at a socket takes.
pub const PORTION: usize = 256 << 10;

/// One socket, its peer on the other end.
#[derive(Debug)]
pub struct Side {
    /// The socket.
    pub socket: OwnedFd,
    /// What goes to it.
    pub out: Out,
    /// What came and could not be dealt with: the beginning of a message.
    pub held: Vec<u8>,
    /// How much must be held before it is worth another look.
    pub need: usize,
    /// Descriptors whose message is not known yet.
    pub fds: VecDeque<OwnedFd>,
    /// The bytes that are to come of a message which was decided about.
    pub rest: usize,
    /// Whether they go to the other side.
    pub passing: bool,
    /// Whether the peer closed its end.
    pub ended: bool,
}

/// What came of looking at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
}

impl Side {
    /// A side that begins.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            out: Out::default(),
            held: Vec::new(),
            need: 0,
            fds: VecDeque::new(),
            rest: 0,
            passing: false,
            ended: false,
        }
    }

    /// Reads once into `space`; descriptors are added to those that came.
    ///
    /// # Errors
    /// When descriptors were lost, or there are more than any message has.
    pub fn receive(&mut self, space: &mut [u8]) -> Result<Received, Fault> {
        let mut control = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut control);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = loop {
            let mut parts = [IoSliceMut::new(space)];
            match recvmsg(&self.socket, &mut parts, &mut ancillary, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(_) => return Ok(Received::End),
                Ok(received) => break received,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                self.fds.extend(rights);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Fault::MissingFds);
        }
        if self.fds.len() > MAX_FDS {
            return Err(Fault::StrayFds);
        }
        Ok(if received.bytes == 0 { Received::End } else { Received::Bytes(received.bytes) })
    }

    /// Adds messages of ours to what goes there.
    pub fn insert_all(&mut self, messages: Vec<Vec<u8>>) {
        for message in messages {
            self.out.insert(message, Vec::new());
        }
    }

    /// Takes the first descriptors that came.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn take_fds(&mut self, count: usize) -> Result<Vec<OwnedFd>, Fault> {
        if self.fds.len() < count {
            return Err(Fault::MissingFds);
        }
        Ok(self.fds.drain(..count).collect())
    }
}
