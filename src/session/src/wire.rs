//! What is said to a D-Bus service without a library for it: one call and what comes back.
//!
//! Whoever waits for it can be told to stop waiting: the signals that would end a launch are blocked.
//! The format is that of the D-Bus specification. A library for it would bring threads, which the
//! supervisor must not have, and be larger than the supervisor.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// The largest message that is read; those that are waited for have some hundred bytes.
const MOST: usize = 1 << 20;

/// Types of messages.
pub(crate) const CALL: u8 = 1;
pub(crate) const ANSWER: u8 = 2;
pub(crate) const ERROR: u8 = 3;
pub(crate) const SIGNAL: u8 = 4;
/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// A connection to whoever listens at a socket, which waits as long as there is time and nothing at `stop`.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    stream: UnixStream,
    stop: BorrowedFd<'a>,
    deadline: Instant,
}

impl<'a> Connection<'a> {
    /// Connects as the user; given up when `stop` is readable.
    pub(crate) fn open(socket: &Path, uid: u32, stop: BorrowedFd<'a>) -> Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let stream =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&stream, &SocketAddrUnix::new(socket)?)?;
        let deadline = Instant::now() + PATIENCE;
        let mut connection = Self { stream: stream.into(), stop, deadline };
        let hex: String = uid.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        connection.write_all(format!("\0AUTH EXTERNAL {hex}\r\nBEGIN\r\n").as_bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") && answer.len() < 256 {
            let mut byte = [0];
            connection.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        if answer.starts_with(b"OK ") { Ok(connection) } else { Err(malformed()) }
    }

    /// Waits until the stream is ready for that.
    fn wait(&self, wanted: PollFlags) -> Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut fds =
            [PollFd::new(self.stream.as_fd(), wanted), PollFd::new(self.stop, PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let [_, stopped] = fds.map(|fd| fd.any().unwrap_or(false));
        if stopped { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(PollFlags::POLLIN)?;
                }
                done => return done,
            }
        }
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        loop {
            match self.stream.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(PollFlags::POLLOUT)?;
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn malformed() -> Error {
    Error::from(ErrorKind::InvalidData)
}

/// A method of an object of a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    pub(crate) service: &'static str,
    pub(crate) path: &'static str,
    pub(crate) interface: &'static str,
    pub(crate) member: &'static str,
}

impl Method {
    /// A call of it, with arguments of that signature.
    pub(crate) fn call(self, serial: u32, signature: &str, arguments: &Writer) -> Vec<u8> {
        let mut message = Writer(vec![b'l', CALL, 0, 1]);
        message.number(u32::try_from(arguments.0.len()).unwrap_or(u32::MAX));
        message.number(serial);
        message.array(8, |message| {
            message.field(PATH, "o", self.path);
            message.field(INTERFACE, "s", self.interface);
            message.field(MEMBER, "s", self.member);
            message.field(DESTINATION, "s", self.service);
            if !signature.is_empty() {
                message.align(8);
                message.0.push(SIGNATURE);
                message.signature("g");
                message.signature(signature);
            }
        });
        message.align(8);
        message.0.extend(&arguments.0);
        message.0
    }
}

/// Puts values one behind the other, each at a multiple of its size.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn align(&mut self, size: usize) {
        self.0.resize(self.0.len().next_multiple_of(size), 0);
    }

    pub(crate) fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    pub(crate) fn signature(&mut self, signature: &str) {
        self.0.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    fn field(&mut self, code: u8, kind: &str, text: &str) {
        self.align(8);
        self.0.push(code);
        self.signature(kind);
        self.text(text);
    }

    /// The space up to the first element is no part of the length.
    pub(crate) fn array(&mut self, size: usize, fill: impl FnOnce(&mut Self)) {
        self.number(0);
        let at = self.0.len();
        self.align(size);
        let start = self.0.len();
        fill(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(at - 4..at) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// A message that came in.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) member: String,
    body: Vec<u8>,
}

impl Message {
    pub(crate) fn read(stream: &mut impl Read) -> Result<Self> {
        let mut start = [0; 16];
        stream.read_exact(&mut start)?;
        let [b'l', kind, _, 1, ..] = start else { return Err(malformed()) };
        let mut reader = Reader { bytes: &start, at: 4 };
        let (body, _, fields) = (reader.length()?, reader.number()?, reader.length()?);
        let mut header = vec![0; fields.next_multiple_of(8)];
        stream.read_exact(&mut header)?;
        let mut bytes = vec![0; body];
        stream.read_exact(&mut bytes)?;
        header.truncate(fields);
        Ok(Self { kind, member: member(&header)?, body: bytes })
    }

    pub(crate) fn body(&self) -> Reader<'_> {
        Reader { bytes: &self.body, at: 0 }
    }
}

/// The member among the header fields; empty when there is none.
fn member(fields: &[u8]) -> Result<String> {
    let mut reader = Reader { bytes: fields, at: 0 };
    while reader.at < fields.len() {
        reader.align(8);
        let code = reader.byte()?;
        let kind = reader.signature()?;
        let value = match kind.as_str() {
            "s" | "o" => reader.text()?,
            "g" => reader.signature()?,
            "u" => reader.number()?.to_string(),
            _ => return Err(malformed()),
        };
        if code == MEMBER {
            return Ok(value);
        }
    }
    Ok(String::new())
}

/// Takes values out again. The fields of a header begin at a multiple of 8, and so does a body.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, size: usize) {
        self.at = self.at.next_multiple_of(size);
    }

    fn take(&mut self, length: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(length).ok_or_else(malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1)?.first().copied().ok_or_else(malformed)
    }

    pub(crate) fn number(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = self.take(4)?.try_into().map_err(|_| malformed())?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn length(&mut self) -> Result<usize> {
        let length = usize::try_from(self.number()?).map_err(|_| malformed())?;
        if length <= MOST { Ok(length) } else { Err(malformed()) }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        let length = self.length()?;
        self.string(length)
    }

    fn signature(&mut self) -> Result<String> {
        let length = self.byte()?.into();
        self.string(length)
    }

    fn string(&mut self, length: usize) -> Result<String> {
        let text = self.take(length)?.to_vec();
        // The NUL behind it.
        self.take(1)?;
        String::from_utf8(text).map_err(|_| malformed())
    }
}
