//! One connection to a bus, or to a proxy before it: authentication, sending, hearing.

use super::draft::{Arg, Draft};
use super::hear::{Message, needed};
use nix::unistd::Uid;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an answer may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many descriptors a message can carry in one go (SCM_MAX_FD).
const MOST_FDS: usize = 253;

/// Why no message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The other side closed the connection.
    Closed,
    /// Nothing came in time.
    Silent,
    /// What came is not D-Bus.
    Garbled(String),
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    socket: UnixStream,
    /// Its unique name, once the bus gave it one.
    pub name: String,
    serial: u32,
    bytes: Vec<u8>,
    /// Where in `bytes` the next message begins.
    at: usize,
    fds: VecDeque<OwnedFd>,
    patience: Duration,
    /// What came while something else was awaited.
    later: VecDeque<Message>,
}

impl Connection {
    /// One on which nothing was said yet.
    ///
    /// # Panics
    ///
    /// When the kernel does not take the time-outs.
    #[must_use]
    pub fn new(socket: UnixStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        let (bytes, fds, later) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self {
            socket,
            name: String::new(),
            serial: 0,
            bytes,
            at: 0,
            fds,
            patience: PATIENCE,
            later,
        }
    }

    /// Changes how long it waits for an answer.
    ///
    /// # Panics
    ///
    /// When the kernel does not take the time-out.
    pub fn wait_at_most(&mut self, patience: Duration) {
        self.socket.set_read_timeout(Some(patience)).expect("a time-out");
        self.patience = patience;
    }

    /// Connects to a socket as whoever runs this, authenticates, and says hello.
    ///
    /// # Errors
    ///
    /// When one of that fails.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut connection = Self::new(UnixStream::connect(path)?);
        connection.authenticate(Uid::current())?;
        connection.hello()?;
        Ok(connection)
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Says who it is, and agrees on descriptors, as every client does.
    ///
    /// # Errors
    ///
    /// When it is not taken for that.
    pub fn authenticate(&mut self, uid: Uid) -> io::Result<()> {
        self.socket.write_all(b"\0")?;
        let name: String = uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        self.say(&format!("AUTH EXTERNAL {name}"), "OK ")?;
        self.say("NEGOTIATE_UNIX_FD", "AGREE_UNIX_FD")?;
        self.socket.write_all(b"BEGIN\r\n")
    }

    /// Says a line of the authentication, and waits for an answer that begins as it has to.
    ///
    /// # Errors
    ///
    /// When another one comes, or none.
    pub fn say(&mut self, line: &str, expected: &str) -> io::Result<()> {
        self.socket.write_all(format!("{line}\r\n").as_bytes())?;
        let answer = self.line()?;
        if answer.starts_with(expected) { Ok(()) } else { Err(io::Error::other(answer)) }
    }

    /// A line of the authentication.
    ///
    /// # Errors
    ///
    /// When the connection ends before the line does.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            if self.socket.read(&mut byte)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            line.extend(byte);
        }
        Ok(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned())
    }

    /// Says hello, and learns its own name.
    ///
    /// # Errors
    ///
    /// When the bus does not answer with one.
    pub fn hello(&mut self) -> io::Result<()> {
        let answer = self
            .ask(&Draft::driver("Hello"))
            .map_err(|ended| io::Error::other(format!("{ended:?}")))?;
        self.name = answer.text().ok_or_else(|| io::Error::other(format!("{answer:?}")))?;
        Ok(())
    }

    /// Sends a message, and answers its serial.
    ///
    /// # Errors
    ///
    /// When the other side is gone, or takes nothing.
    pub fn send(&mut self, draft: &Draft) -> io::Result<u32> {
        self.serial = draft.serial.unwrap_or(self.serial + 1).max(self.serial);
        let fds: Vec<_> = draft.fds.iter().map(|file| file.as_fd()).collect();
        self.send_bytes(&draft.bytes(self.serial), &fds)?;
        Ok(draft.serial.unwrap_or(self.serial))
    }

    /// Sends any bytes, with descriptors at the first of them.
    ///
    /// # Errors
    ///
    /// When the other side is gone, or takes nothing.
    pub fn send_bytes(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        if fds.is_empty() {
            return self.socket.write_all(bytes);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        if !rights.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(io::Error::other("more descriptors than a message carries"));
        }
        let parts = [IoSlice::new(bytes)];
        let sent = sendmsg(&self.socket, &parts, &mut rights, SendFlags::NOSIGNAL)?;
        self.socket.write_all(&bytes[sent..])
    }

    /// Calls, and waits for the reply; what else comes meanwhile is kept for later.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub fn ask(&mut self, draft: &Draft) -> Result<Message, Ended> {
        let serial = self.send(draft).map_err(|_| Ended::Closed)?;
        self.reply_to(serial)
    }

    /// Waits for the reply to a call; what else comes meanwhile is kept for later.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub fn reply_to(&mut self, serial: u32) -> Result<Message, Ended> {
        let is_it = |message: &Message| message.reply_serial == Some(serial);
        if let Some(place) = self.later.iter().position(is_it) {
            return self.later.remove(place).ok_or(Ended::Silent);
        }
        let end = Instant::now() + self.patience;
        while Instant::now() < end {
            let message = self.receive()?;
            if is_it(&message) {
                return Ok(message);
            }
            self.later.push_back(message);
        }
        Err(Ended::Silent)
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub fn hear(&mut self) -> Result<Message, Ended> {
        self.later.pop_front().map_or_else(|| self.receive(), Ok)
    }

    /// The next message, within a time of one's own.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub fn hear_within(&mut self, limit: Duration) -> Result<Message, Ended> {
        self.socket.set_read_timeout(Some(limit)).map_err(|_| Ended::Closed)?;
        let heard = self.hear();
        self.socket.set_read_timeout(Some(self.patience)).map_err(|_| Ended::Closed)?;
        heard
    }

    /// Everything that came before the bus answered a question of ours, which it answers in turn.
    ///
    /// # Errors
    ///
    /// When the connection ended; what came until then is lost.
    pub fn all_until_now(&mut self) -> Result<Vec<Message>, Ended> {
        self.ask(&Draft::driver("GetId"))?;
        Ok(self.later.drain(..).collect())
    }

    /// Waits until the other side closes the connection, reading what still comes.
    #[must_use]
    pub fn is_closed_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match self.hear_within(left) {
                Err(Ended::Closed) => return true,
                Err(Ended::Silent) => return false,
                Ok(_) | Err(Ended::Garbled(_)) => {}
            }
        }
    }

    fn receive(&mut self) -> Result<Message, Ended> {
        loop {
            let rest = &self.bytes[self.at..];
            if let Some(length) = needed(rest).map_err(Ended::Garbled)?
                && rest.len() >= length
            {
                let parsed = Message::parse(&rest[..length]).map_err(Ended::Garbled);
                self.at += length;
                return parsed.and_then(|message| self.with_fds(message));
            }
            self.read_more()?;
        }
    }

    fn with_fds(&mut self, mut message: Message) -> Result<Message, Ended> {
        for _ in 0..message.unix_fds {
            let fd = self.fds.pop_front();
            message.fds.push(fd.ok_or_else(|| Ended::Garbled("a descriptor is missing".into()))?);
        }
        Ok(message)
    }

    fn read_more(&mut self) -> Result<(), Ended> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let have = self.bytes.len();
        // A large message is read in few steps, a small one into little.
        let missing = needed(&self.bytes).map_err(Ended::Garbled)?.unwrap_or_default();
        self.bytes.resize(have + missing.saturating_sub(have).clamp(16 << 10, 1 << 20), 0);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut rights = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut self.bytes[have..])];
        let got = recvmsg(&self.socket, &mut parts, &mut rights, RecvFlags::CMSG_CLOEXEC);
        self.bytes.truncate(have + got.as_ref().map_or(0, |got| got.bytes));
        for message in rights.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        match got {
            Ok(got) if got.bytes > 0 => Ok(()),
            Ok(_) => Err(Ended::Closed),
            Err(Errno::AGAIN) => Err(Ended::Silent),
            Err(Errno::INTR) => Ok(()),
            Err(_) => Err(Ended::Closed),
        }
    }

    /// Asks the bus for a name, and answers with what it said (1: it is ours).
    ///
    /// # Errors
    ///
    /// When it says nothing, or an error, which is in the text.
    pub fn own(&mut self, name: &str) -> Result<u32, Ended> {
        let draft = Draft::driver("RequestName").arg(Arg::text(name)).arg(Arg::Number(4));
        let answer = self.ask(&draft)?;
        match answer.args().first() {
            Some(Arg::Number(number)) => Ok(*number),
            _ => Err(Ended::Garbled(answer.what().to_owned())),
        }
    }

    /// Asks the bus for messages of a kind.
    ///
    /// # Errors
    ///
    /// When it does not agree.
    pub fn watch(&mut self, rule: &str) -> Result<(), Ended> {
        let answer = self.ask(&Draft::driver("AddMatch").arg(Arg::text(rule)))?;
        if answer.what().is_empty() { Ok(()) } else { Err(Ended::Garbled(answer.what().into())) }
    }
}
