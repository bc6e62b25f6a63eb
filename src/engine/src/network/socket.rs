//! A netlink socket: what is sent over it and what the kernel answers. The kernel answers while it is
//! being asked, so that nothing here ever waits.

use super::netlink::{DONE, INTERRUPTED, Message, Messages};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What is read at once. The kernel makes its dumps no longer than 32 KiB, and an error repeats the
/// message that it is about, of which the longest are those with elements.
const BUFFER: usize = 64 * 1024;

/// How much of a dump is taken before it is given up: no table comes near it.
const MOST: usize = 64 * 1024 * 1024;

/// How often a dump is begun again that was changed meanwhile.
const ATTEMPTS: usize = 8;

/// Why a batch had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Which message of it the kernel refused, if it was about one.
    pub(crate) index: Option<u32>,
    /// What the kernel said.
    pub(crate) errno: Errno,
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self { index: None, errno }
    }
}

/// A netlink socket.
#[derive(Debug)]
pub(crate) struct Netlink<Fd>(Fd);

impl Netlink<OwnedFd> {
    /// Opens one in the network namespace that this process is in; it stays one of that namespace.
    /// Without a protocol it is rtnetlink's, whose number is zero.
    pub(crate) fn open(protocol: Option<Protocol>, groups: u32) -> Result<Self, Errno> {
        let fd = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self(fd))
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }
}

impl<Fd: AsFd> Netlink<Fd> {
    /// One that was opened before, perhaps by another process.
    pub(crate) fn of(fd: Fd) -> Self {
        Self(fd)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Errno> {
        let kernel = SocketAddrNetlink::new(0, 0);
        let sent = rustix::net::sendto(&self.0, bytes, SendFlags::DONTWAIT, &kernel)?;
        if sent == bytes.len() { Ok(()) } else { Err(Errno::MSGSIZE) }
    }

    /// What has come, if something has.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut Vec<u8>) -> Result<Option<&'a [u8]>, Errno> {
        buffer.resize(BUFFER, 0);
        loop {
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            let (length, from) = match rustix::net::recvfrom(&self.0, buffer.as_mut_slice(), flags)
            {
                Ok((_, length, from)) => (length, from),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            // Nobody but the kernel has anything to say here.
            let from = from.map(SocketAddrNetlink::try_from);
            if !matches!(from, Some(Ok(from)) if from.pid() == 0) {
                continue;
            }
            return buffer.get(..length).map(Some).ok_or(Errno::MSGSIZE);
        }
    }

    /// Forgets the answers to what was sent before, perhaps by who had the socket then.
    pub(crate) fn drain(&self, buffer: &mut Vec<u8>) {
        loop {
            match self.receive(buffer) {
                // Some were lost, or were longer than anything that is waited for.
                Ok(Some(_)) | Err(Errno::NOBUFS | Errno::MSGSIZE) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Sends messages that have effect together, or not at all. They are numbered from zero, and
    /// number `last` asks for an answer.
    pub(crate) fn transact(&self, batch: &[u8], last: u32) -> Result<(), Refused> {
        let mut buffer = Vec::new();
        self.drain(&mut buffer);
        self.send(batch)?;
        let mut done = false;
        while let Some(bytes) = self.receive(&mut buffer)? {
            for message in Messages(bytes) {
                match message.error() {
                    Some(Err(errno)) => {
                        return Err(Refused { index: Some(message.sequence), errno });
                    }
                    Some(Ok(())) => done |= message.sequence == last,
                    None => {}
                }
            }
        }
        if done { Ok(()) } else { Err(Errno::PROTO.into()) }
    }

    /// Asks for a list; what is no sense to `take` is left out.
    pub(crate) fn dump<T>(
        &self,
        request: &[u8],
        take: impl Fn(&Message<'_>, &mut Vec<T>),
    ) -> Result<Vec<T>, Errno> {
        for _ in 0..ATTEMPTS {
            if let Some(list) = self.dump_once(request, &take)? {
                return Ok(list);
            }
        }
        Err(Errno::AGAIN)
    }

    /// `None` when the list was changed while it was given.
    fn dump_once<T>(
        &self,
        request: &[u8],
        take: impl Fn(&Message<'_>, &mut Vec<T>),
    ) -> Result<Option<Vec<T>>, Errno> {
        let (mut buffer, mut list) = (Vec::new(), Vec::new());
        self.drain(&mut buffer);
        self.send(request)?;
        let (mut total, mut interrupted) = (0usize, false);
        while let Some(bytes) = self.receive(&mut buffer)? {
            total = total.saturating_add(bytes.len());
            if total > MOST {
                return Err(Errno::MSGSIZE);
            }
            for message in Messages(bytes) {
                interrupted |= message.flags & INTERRUPTED != 0;
                match message.error() {
                    Some(Err(errno)) => return Err(errno),
                    Some(Ok(())) => {}
                    None if message.kind == DONE => {
                        return message.status().map(|()| (!interrupted).then_some(list));
                    }
                    None => take(&message, &mut list),
                }
            }
        }
        // It has no end.
        Err(Errno::PROTO)
    }
}
