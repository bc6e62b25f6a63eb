//! Packets, descriptors and the memory file of a request.

use crate::message::{Event, Request};
use crate::{MAX_MESSAGE, MAX_REQUEST, VERSION};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The most descriptors in one packet: the request, the three standard ones and a control group.
const MAX_FDS: usize = 5;

/// The request, the app's standard descriptors, and the control group that it is to be put into.
type Asked = (Request, [OwnedFd; 3], Option<OwnedFd>);

/// What can go wrong on the socket.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A system call failed.
    #[error("the connection between Arkose and its helper failed")]
    Io(#[from] std::io::Error),
    /// The other side is gone.
    #[error("the other side of the helper's connection is gone")]
    Closed,
    /// The other side sent something that is no message.
    #[error("the other side of the helper's connection sent something that is not understood")]
    Malformed,
    /// Both sides are of different versions.
    #[error("arkose and arkose-helper are of different versions; install both from one package")]
    Version,
    /// A message is over its bound.
    #[error(
        "the request is too large: arguments, environment and paths may have {MAX_REQUEST} bytes together"
    )]
    TooLarge,
}

impl From<Errno> for ProtocolError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A packet that came in.
#[derive(Debug)]
pub enum Received<T> {
    /// A message and the descriptor that came with it.
    Message(T, Option<OwnedFd>),
    /// Nothing waits to be read (only on a socket that does not block).
    Nothing,
    /// The other side is gone.
    Closed,
}

/// One end of the socket.
#[derive(Debug)]
pub struct Channel(OwnedFd);

impl Channel {
    /// Takes a connected `SOCK_SEQPACKET` socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Makes both ends, close-on-exec.
    ///
    /// # Errors
    /// When the kernel gives no sockets.
    pub fn pair() -> Result<(Self, Self), ProtocolError> {
        let (a, b) = rustix::net::socketpair(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::SEQPACKET,
            rustix::net::SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(a), Self(b)))
    }

    /// The socket itself, to be given to a child.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// Sends the request, the app's standard descriptors, and the directory of a control group that
    /// enforces its limits, where there is one.
    ///
    /// # Errors
    /// When it is too large or the helper is gone.
    pub fn send_request(
        &self,
        request: &Request,
        stdio: [BorrowedFd<'_>; 3],
        group: Option<BorrowedFd<'_>>,
    ) -> Result<(), ProtocolError> {
        let mut with = stdio.to_vec();
        with.extend(group);
        self.send_sealed(&request.encode()?, &with)
    }

    /// Receives the request, the app's standard descriptors, and the directory of a control group
    /// where one was sent; waits for them.
    ///
    /// # Errors
    /// When what comes is not a request of this version, or is not sealed against changes.
    pub fn receive_request(&self) -> Result<Asked, ProtocolError> {
        let (bytes, fds) = self.receive_sealed()?;
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or(ProtocolError::Malformed);
        let stdio = [next()?, next()?, next()?];
        let group = fds.next();
        Ok((Request::decode(&bytes)?, stdio, group))
    }

    /// Sends bytes that may be many, as a memory file that nobody can change any more, and descriptors.
    pub(crate) fn send_sealed(
        &self,
        bytes: &[u8],
        with: &[BorrowedFd<'_>],
    ) -> Result<(), ProtocolError> {
        let file = sealed_file(bytes)?;
        let mut fds = vec![file.as_fd()];
        fds.extend(with);
        self.send_packet(&VERSION.to_le_bytes(), &fds)
    }

    /// Receives what [`send_sealed`](Self::send_sealed) sends; waits for it.
    pub(crate) fn receive_sealed(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), ProtocolError> {
        let mut version = [0; 4];
        let (length, mut fds) = self.receive_packet(&mut version)?;
        if length == 0 {
            return Err(ProtocolError::Closed);
        }
        if length != version.len() || u32::from_le_bytes(version) != VERSION {
            return Err(ProtocolError::Version);
        }
        if fds.is_empty() {
            return Err(ProtocolError::Malformed);
        }
        Ok((read_sealed(fds.remove(0))?, fds))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn send(&self, message: &impl Serialize) -> Result<(), ProtocolError> {
        self.send_packet(&encode(message)?, &[])
    }

    /// Sends a message with a descriptor.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn send_with(
        &self,
        message: &impl Serialize,
        fd: BorrowedFd<'_>,
    ) -> Result<(), ProtocolError> {
        self.send_packet(&encode(message)?, &[fd])
    }

    /// Sends an event, cutting its texts if they are over the bound of a message.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn send_event(&self, event: &Event) -> Result<(), ProtocolError> {
        match self.send(event) {
            Err(ProtocolError::TooLarge) => self.send(&event.shortened()),
            result => result,
        }
    }

    /// Receives a message; waits for it unless the socket does not block.
    ///
    /// # Errors
    /// When what comes is no such message.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<Received<T>, ProtocolError> {
        let mut buffer = vec![0; MAX_MESSAGE];
        let (length, mut fds) = match self.receive_packet(&mut buffer) {
            Ok((0, _)) => return Ok(Received::Closed),
            Ok(packet) => packet,
            Err(ProtocolError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Ok(Received::Nothing);
            }
            Err(error) => return Err(error),
        };
        let packet = buffer.get(..length).ok_or(ProtocolError::Malformed)?;
        Ok(Received::Message(decode(packet)?, fds.pop()))
    }

    pub(crate) fn send_packet(
        &self,
        bytes: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), ProtocolError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(ProtocolError::TooLarge);
        }
        sendmsg(&self.0, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// The length of the packet (0 when the other side is gone) and its descriptors.
    pub(crate) fn receive_packet(
        &self,
        buffer: &mut [u8],
    ) -> Result<(usize, Vec<OwnedFd>), ProtocolError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut parts = [IoSliceMut::new(buffer)];
            match recvmsg(&self.0, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                // The other side ended without reading what was sent to it. That is told once, and before
                // what it said itself.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                result => break result?,
            }
        };
        let mut fds = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(ProtocolError::Malformed);
        }
        Ok((received.bytes, fds))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Request {
    /// The bytes of the memory file that a request travels as.
    ///
    /// # Errors
    /// When they are more than [`MAX_REQUEST`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        let bytes = postcard::to_stdvec(self).map_err(|_| ProtocolError::Malformed)?;
        if bytes.len() > MAX_REQUEST { Err(ProtocolError::TooLarge) } else { Ok(bytes) }
    }

    /// Reads those bytes, whoever wrote them.
    ///
    /// # Errors
    /// When they are no request, or one of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let request: Self = postcard::from_bytes(bytes).map_err(|_| ProtocolError::Malformed)?;
        if request.version == VERSION { Ok(request) } else { Err(ProtocolError::Version) }
    }
}

/// Reads the bytes of a packet as a message, whoever wrote them.
///
/// # Errors
/// When they are no such message.
pub fn decode<T: DeserializeOwned>(packet: &[u8]) -> Result<T, ProtocolError> {
    postcard::from_bytes(packet).map_err(|_| ProtocolError::Malformed)
}

/// The bytes of a message's packet.
///
/// # Errors
/// When they are more than [`MAX_MESSAGE`].
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, ProtocolError> {
    let bytes = postcard::to_stdvec(message).map_err(|_| ProtocolError::Malformed)?;
    if bytes.len() > MAX_MESSAGE { Err(ProtocolError::TooLarge) } else { Ok(bytes) }
}

/// A memory file with these bytes, which nobody can change any more.
///
/// # Errors
/// When the kernel makes none.
pub fn sealed_file(bytes: &[u8]) -> Result<OwnedFd, ProtocolError> {
    let fd = rustix::fs::memfd_create(
        "arkose-request",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    rustix::fs::fcntl_add_seals(&file, needed_seals() | SealFlags::SEAL)?;
    Ok(file.into())
}

/// Reads a memory file that nobody can change any more. Anything else (a pipe that never ends, a
/// file that changes while it is read) is refused before it is read.
///
/// # Errors
/// When it is something else, or longer than [`MAX_REQUEST`].
pub fn read_sealed(fd: OwnedFd) -> Result<Vec<u8>, ProtocolError> {
    let seals = rustix::fs::fcntl_get_seals(&fd).map_err(|_| ProtocolError::Malformed)?;
    if !seals.contains(needed_seals()) {
        return Err(ProtocolError::Malformed);
    }
    let size =
        usize::try_from(rustix::fs::fstat(&fd)?.st_size).map_err(|_| ProtocolError::TooLarge)?;
    if size > MAX_REQUEST {
        return Err(ProtocolError::TooLarge);
    }
    let mut file = File::from(fd);
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(size);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn needed_seals() -> SealFlags {
    SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW
}

impl Event {
    fn shortened(&self) -> Self {
        let mut event = self.clone();
        if let Event::Failed(failure) = &mut event {
            for text in [&mut failure.message, &mut failure.cause, &mut failure.remedy] {
                *text = text.chars().take(1000).collect();
            }
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Control, Failure};

    #[test]
    fn a_message_arrives_as_it_was_sent_and_then_the_end() {
        let (a, b) = Channel::pair().unwrap();
        a.send(&Control::Signal(15)).unwrap();
        drop(a);
        assert!(matches!(b.receive().unwrap(), Received::Message(Control::Signal(15), None)));
        assert!(matches!(b.receive::<Control>().unwrap(), Received::Closed));
    }

    #[test]
    fn garbage_and_unsealed_requests_are_refused() {
        let (a, b) = Channel::pair().unwrap();
        a.send_packet(&[0xff; 40], &[]).unwrap();
        assert!(matches!(b.receive::<Event>(), Err(ProtocolError::Malformed)));

        let pipe = std::io::pipe().unwrap();
        let fd = pipe.0.as_fd();
        a.send_packet(&VERSION.to_le_bytes(), &[fd, fd, fd, fd]).unwrap();
        assert!(matches!(b.receive_request(), Err(ProtocolError::Malformed)));
        a.send_packet(&7u32.to_le_bytes(), &[fd, fd, fd, fd]).unwrap();
        assert!(matches!(b.receive_request(), Err(ProtocolError::Version)));
    }

    #[test]
    fn what_was_said_before_the_end_is_heard_although_the_other_side_did_not_listen() {
        let (a, b) = Channel::pair().unwrap();
        a.send(&Control::Signal(15)).unwrap();
        b.send_event(&Event::Started).unwrap();
        drop(b);
        assert!(matches!(a.receive().unwrap(), Received::Message(Event::Started, None)));
        assert!(matches!(a.receive::<Event>().unwrap(), Received::Closed));
    }

    #[test]
    fn a_long_failure_is_cut_not_lost() {
        let (a, b) = Channel::pair().unwrap();
        let failure = Failure { message: "é".repeat(20_000), ..Failure::default() };
        a.send_event(&Event::Failed(failure)).unwrap();
        let Received::Message(Event::Failed(failure), None) = b.receive().unwrap() else {
            panic!("no failure arrived")
        };
        assert_eq!(failure.message.chars().count(), 1000);
    }
}
