//! The user's systemd manager, as far as a launch needs it: one call, and the end of its job.
//!
//! It is spoken to over its own socket, as `systemctl --user` does, where there is no bus between.
//! Whoever waits for it can be told to stop waiting: the signals that would end a launch are blocked.
//! The format is that of the D-Bus specification. A library for it would bring threads, which the
//! supervisor must not have, and be larger than the supervisor.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the manager may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest message that is read; those that are waited for have some hundred bytes.
const MOST: usize = 1 << 20;

/// Types of messages.
const CALL: u8 = 1;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;
/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// A property of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Long(u64),
    Numbers(Vec<u32>),
}

/// A connection to the manager, which waits as long as there is time and nothing at `stop`.
#[derive(Debug)]
pub(super) struct Manager<'a> {
    stream: UnixStream,
    stop: BorrowedFd<'a>,
    deadline: Instant,
}

/// Where it listens.
pub(super) fn socket(runtime: &Path) -> PathBuf {
    runtime.join("systemd/private")
}

impl<'a> Manager<'a> {
    /// Connects to the manager of the user whose runtime directory that is; given up when `stop` is
    /// readable.
    pub(super) fn connect(runtime: &Path, uid: u32, stop: BorrowedFd<'a>) -> Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let stream =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&stream, &SocketAddrUnix::new(socket(runtime))?)?;
        let deadline = Instant::now() + PATIENCE;
        let mut manager = Self { stream: stream.into(), stop, deadline };
        let hex: String = uid.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        manager.write_all(format!("\0AUTH EXTERNAL {hex}\r\nBEGIN\r\n").as_bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") && answer.len() < 256 {
            let mut byte = [0];
            manager.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        if answer.starts_with(b"OK ") { Ok(manager) } else { Err(refused("authentication")) }
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

    /// Makes a unit that lives as long as its processes, and waits until it is there.
    pub(super) fn start_transient_unit(
        &mut self,
        unit: &str,
        properties: &[(&str, Value)],
    ) -> Result<()> {
        self.write_all(&call(unit, properties))?;
        loop {
            let message = Message::read(self)?;
            match message.kind {
                ERROR => return Err(refused(&message.body().text()?)),
                SIGNAL if message.member == "JobRemoved" => {
                    let mut body = message.body();
                    // The number of the job, its path, its unit and its result.
                    let (_, _, of, result) =
                        (body.number()?, body.text()?, body.text()?, body.text()?);
                    if of == unit {
                        return if result == "done" { Ok(()) } else { Err(refused(&result)) };
                    }
                }
                // The job is there; other jobs are others' business.
                _ => {}
            }
        }
    }
}

impl Read for Manager<'_> {
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

impl Write for Manager<'_> {
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

fn refused(why: &str) -> Error {
    Error::other(format!("systemd gives no scope: {why}"))
}

fn malformed() -> Error {
    Error::from(ErrorKind::InvalidData)
}

fn call(unit: &str, properties: &[(&str, Value)]) -> Vec<u8> {
    let mut body = Writer::default();
    body.text(unit);
    body.text("fail");
    body.array(8, |body| {
        for (name, value) in properties {
            body.align(8);
            body.text(name);
            body.variant(value);
        }
    });
    // No units beside it.
    body.array(8, |_| {});
    let mut message = Writer(vec![b'l', CALL, 0, 1]);
    message.number(u32::try_from(body.0.len()).unwrap_or(u32::MAX));
    message.number(1);
    message.array(8, |message| {
        message.field(PATH, "o", "/org/freedesktop/systemd1");
        message.field(INTERFACE, "s", "org.freedesktop.systemd1.Manager");
        message.field(MEMBER, "s", "StartTransientUnit");
        message.field(DESTINATION, "s", "org.freedesktop.systemd1");
        message.align(8);
        message.0.push(SIGNATURE);
        message.signature("g");
        message.signature("ssa(sv)a(sa(sv))");
    });
    message.align(8);
    message.0.extend(body.0);
    message.0
}

/// Puts values one behind the other, each at a multiple of its size.
#[derive(Debug, Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, size: usize) {
        self.0.resize(self.0.len().next_multiple_of(size), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, signature: &str) {
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
    fn array(&mut self, size: usize, fill: impl FnOnce(&mut Self)) {
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

    fn variant(&mut self, value: &Value) {
        match value {
            Value::Text(text) => {
                self.signature("s");
                self.text(text);
            }
            Value::Bool(on) => {
                self.signature("b");
                self.number(u32::from(*on));
            }
            Value::Long(number) => {
                self.signature("t");
                self.align(8);
                self.0.extend(number.to_le_bytes());
            }
            Value::Numbers(numbers) => {
                self.signature("au");
                self.array(4, |array| numbers.iter().for_each(|number| array.number(*number)));
            }
        }
    }
}

/// A message that came in.
#[derive(Debug)]
struct Message {
    kind: u8,
    member: String,
    body: Vec<u8>,
}

impl Message {
    fn read(stream: &mut impl Read) -> Result<Self> {
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

    fn body(&self) -> Reader<'_> {
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
struct Reader<'a> {
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

    fn number(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = self.take(4)?.try_into().map_err(|_| malformed())?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn length(&mut self) -> Result<usize> {
        let length = usize::try_from(self.number()?).map_err(|_| malformed())?;
        if length <= MOST { Ok(length) } else { Err(malformed()) }
    }

    fn text(&mut self) -> Result<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_call_is_as_long_as_it_says_and_has_its_member() {
        let bytes =
            call("a.scope", &[("PIDs", Value::Numbers(vec![7])), ("CPUWeight", Value::Long(9))]);
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(&bytes).unwrap();
        drop(ours);
        let message = Message::read(&mut theirs).unwrap();
        assert_eq!((message.kind, message.member.as_str()), (CALL, "StartTransientUnit"));
        let mut body = message.body();
        assert_eq!((body.text().unwrap(), body.text().unwrap()), ("a.scope".into(), "fail".into()));
        let mut rest = Vec::new();
        assert_eq!(theirs.read_to_end(&mut rest).unwrap(), 0);
    }

    #[test]
    fn a_manager_that_talks_nonsense_or_goes_away_is_an_error() {
        for answer in [&b"OK 1\r\n"[..], b"OK 1\r\nl\x04\0\x01\xff\xff\xff\xff________", b"no\r\n"]
        {
            let directory = std::env::temp_dir().join(format!(
                "arkose-manager-{}-{}",
                std::process::id(),
                answer.len()
            ));
            std::fs::create_dir_all(directory.join("systemd")).unwrap();
            let listener = UnixListener::bind(directory.join("systemd/private")).unwrap();
            let server = std::thread::spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                stream.write_all(answer).unwrap();
                let _ = stream.read(&mut [0; 4096]);
            });
            let (stop, _never) = UnixStream::pair().unwrap();
            let result = Manager::connect(&directory, 0, stop.as_fd())
                .and_then(|mut manager| manager.start_transient_unit("a.scope", &[]));
            server.join().unwrap();
            std::fs::remove_dir_all(&directory).unwrap();
            assert!(result.is_err(), "{answer:?}");
        }
    }

    #[test]
    fn a_manager_that_says_nothing_is_not_waited_for_when_the_launch_is_given_up() {
        let directory =
            std::env::temp_dir().join(format!("arkose-manager-{}-silent", std::process::id()));
        std::fs::create_dir_all(directory.join("systemd")).unwrap();
        let _listener = UnixListener::bind(directory.join("systemd/private")).unwrap();
        let (stop, mut say) = UnixStream::pair().unwrap();
        say.write_all(b"x").unwrap();
        let begin = Instant::now();
        let error = Manager::connect(&directory, 0, stop.as_fd()).unwrap_err();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        assert!(begin.elapsed() < PATIENCE / 2);
    }
}
