//! A client of a bus made of bytes: it says what it is told to, right or wrong, and knows nothing of
//! how the proxy reads.

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::{IoSlice, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The name of the bus itself.
pub(crate) const BUS: &str = "org.freedesktop.DBus";

/// A message that came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) serial: u32,
    pub(crate) reply_to: u32,
    pub(crate) member: String,
    pub(crate) error: String,
    pub(crate) sender: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The text that the body begins with.
    pub(crate) fn text(&self) -> String {
        let length = u32::from_le_bytes(self.body[..4].try_into().unwrap()) as usize;
        String::from_utf8(self.body[4..4 + length].to_vec()).unwrap()
    }

    /// The texts of a body that is a list of them.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut at = 4;
        let mut texts = Vec::new();
        while at < self.body.len() {
            at = at.next_multiple_of(4);
            let length = u32::from_le_bytes(self.body[at..at + 4].try_into().unwrap()) as usize;
            texts.push(String::from_utf8(self.body[at + 4..at + 4 + length].to_vec()).unwrap());
            at += 5 + length;
        }
        texts
    }
}

/// A message to be said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) big: bool,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) serial: u32,
    /// Code, type and value of fields that are numbers.
    pub(crate) numbers: Vec<(u8, u32)>,
    /// Code, type and value of fields that are texts.
    pub(crate) fields: Vec<(u8, u8, String)>,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    pub(crate) fn call(destination: &str, path: &str, interface: &str, member: &str) -> Self {
        let mut fields = vec![(1, b'o', path.to_owned()), (3, b's', member.to_owned())];
        if !interface.is_empty() {
            fields.push((2, b's', interface.to_owned()));
        }
        fields.push((6, b's', destination.to_owned()));
        Self { kind: 1, fields, ..Self::default() }
    }

    pub(crate) fn bus(member: &str) -> Self {
        Self::call(BUS, "/org/freedesktop/DBus", BUS, member)
    }

    pub(crate) fn signal(interface: &str, member: &str) -> Self {
        let fields = vec![
            (1, b'o', "/".to_owned()),
            (2, b's', interface.to_owned()),
            (3, b's', member.to_owned()),
        ];
        Self { kind: 4, fields, ..Self::default() }
    }

    pub(crate) fn reply(kind: u8, to: &str, serial: u32) -> Self {
        let mut fields = vec![(6, b's', to.to_owned())];
        if kind == 3 {
            fields.push((4, b's', "org.x.Error".to_owned()));
        }
        Self { kind, numbers: vec![(5, serial)], fields, ..Self::default() }
    }

    pub(crate) fn to(mut self, destination: &str) -> Self {
        self.fields.push((6, b's', destination.to_owned()));
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        let length = u32::try_from(text.len()).unwrap();
        let number = self.number(length);
        while !self.body.len().is_multiple_of(4) {
            self.body.push(0);
        }
        self.body.extend(number);
        self.body.extend(text.bytes());
        self.body.push(0);
        self.signature.push('s');
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        while !self.body.len().is_multiple_of(4) {
            self.body.push(0);
        }
        let number = self.number(value);
        self.body.extend(number);
        self.signature.push('u');
        self
    }

    fn number(&self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![if self.big { b'B' } else { b'l' }, self.kind, self.flags, 1];
        bytes.extend(self.number(u32::try_from(self.body.len()).unwrap()));
        bytes.extend(self.number(self.serial));
        bytes.extend([0; 4]);
        let begin = |bytes: &mut Vec<u8>, code: u8, types: u8| {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            bytes.extend([code, 1, types, 0]);
        };
        for (code, types, text) in &self.fields {
            begin(&mut bytes, *code, *types);
            bytes.extend(self.number(u32::try_from(text.len()).unwrap()));
            bytes.extend(text.bytes());
            bytes.push(0);
        }
        for (code, value) in &self.numbers {
            begin(&mut bytes, *code, b'u');
            bytes.extend(self.number(*value));
        }
        if !self.signature.is_empty() {
            begin(&mut bytes, 8, b'g');
            bytes.push(u8::try_from(self.signature.len()).unwrap());
            bytes.extend(self.signature.bytes());
            bytes.push(0);
        }
        let fields = u32::try_from(bytes.len() - 16).unwrap();
        bytes[12..16].copy_from_slice(&self.number(fields));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(&self.body);
        bytes
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: UnixStream,
    serial: u32,
    pub(crate) name: String,
    /// What came while something else was waited for.
    pub(crate) others: Vec<Message>,
}

impl Client {
    /// Connects and says Hello.
    pub(crate) fn new(path: &Path) -> Self {
        let mut client = Self::raw(path, "AUTH EXTERNAL 30");
        let hello = client.ask(Draft::bus("Hello"));
        client.name = hello.text();
        client
    }

    /// Connects as whom `auth` says, up to the first message.
    pub(crate) fn raw(path: &Path, auth: &str) -> Self {
        let mut socket = UnixStream::connect(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(format!("\0{auth}\r\nNEGOTIATE_UNIX_FD\r\n").as_bytes()).unwrap();
        let mut said = Vec::new();
        while said.iter().filter(|byte| **byte == b'\n').count() < 2 {
            let mut byte = [0];
            assert_eq!(socket.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&said));
            said.push(byte[0]);
        }
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("OK ") && said.ends_with("AGREE_UNIX_FD\r\n"), "{said}");
        socket.write_all(b"BEGIN\r\n").unwrap();
        Self { socket, serial: 0, name: String::new(), others: Vec::new() }
    }

    /// Says a message, with a serial unless it has one.
    pub(crate) fn say(&mut self, mut draft: Draft) -> u32 {
        if draft.serial == 0 {
            self.serial += 1;
            draft.serial = self.serial;
        }
        self.socket.write_all(&draft.bytes()).unwrap();
        draft.serial
    }

    pub(crate) fn say_with(&mut self, mut draft: Draft, fds: &[RawFd], count: usize) -> u32 {
        self.serial += 1;
        draft.serial = self.serial;
        if count > 0 {
            draft.numbers.push((9, u32::try_from(count).unwrap()));
        }
        let bytes = draft.bytes();
        let control = [ControlMessage::ScmRights(fds)];
        let control = if fds.is_empty() { &[][..] } else { &control[..] };
        let sent = sendmsg::<()>(
            self.socket.as_raw_fd(),
            &[IoSlice::new(&bytes)],
            control,
            MsgFlags::empty(),
            None,
        );
        assert_eq!(sent, Ok(bytes.len()));
        self.serial
    }

    /// Says a call and waits for its reply.
    pub(crate) fn ask(&mut self, draft: Draft) -> Message {
        let serial = self.say(draft);
        self.replied(serial)
    }

    /// Waits for the reply to a call.
    pub(crate) fn replied(&mut self, serial: u32) -> Message {
        if let Some(at) = self.others.iter().position(|one| one.reply_to == serial) {
            return self.others.remove(at);
        }
        loop {
            let message = self.read().expect("the connection stays open");
            if message.reply_to == serial {
                return message;
            }
            self.others.push(message);
        }
    }

    /// Waits for a message that is no reply.
    pub(crate) fn wait(&mut self, member: &str) -> Message {
        if let Some(at) = self.others.iter().position(|one| one.member == member) {
            return self.others.remove(at);
        }
        loop {
            let message = self.read().expect("the connection stays open");
            if message.member == member {
                return message;
            }
            self.others.push(message);
        }
    }

    /// All that came until now: the bus answers what was said last when it has answered the rest.
    pub(crate) fn settled(&mut self) -> &[Message] {
        let id = self.ask(Draft::bus("GetId"));
        assert_eq!(id.kind, 2, "{id:?}");
        &self.others
    }

    /// The next message; none when the connection is closed.
    pub(crate) fn read(&mut self) -> Option<Message> {
        let mut start = [0; 16];
        match self.socket.read_exact(&mut start) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("nothing came"),
            Err(_) => return None,
        }
        let number = |at: usize| u32::from_le_bytes(start[at..at + 4].try_into().unwrap());
        assert_eq!(start[0], b'l', "the bus and its clients here are little-endian");
        let fields = number(12) as usize;
        let mut rest = vec![0; fields.next_multiple_of(8) + number(4) as usize];
        self.socket.read_exact(&mut rest).ok()?;
        let mut message = Message { kind: start[1], serial: number(8), ..Message::default() };
        message.body = rest.split_off(fields.next_multiple_of(8));
        let mut at = 0;
        while at < fields {
            at = at.next_multiple_of(8);
            let (code, types) = (rest[at], rest[at + 2]);
            at += 4;
            if types == b'g' {
                at += rest[at] as usize + 2;
                continue;
            }
            let value = u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            at += 4;
            if types == b'u' {
                if code == 5 {
                    message.reply_to = value;
                }
                continue;
            }
            let text = String::from_utf8(rest[at..at + value as usize].to_vec()).unwrap();
            at += value as usize + 1;
            match code {
                3 => message.member = text,
                4 => message.error = text,
                7 => message.sender = text,
                _ => {}
            }
        }
        Some(message)
    }

    /// Whether the other side closes the connection, after whatever it says first.
    pub(crate) fn is_closed(&mut self) -> bool {
        while self.read().is_some() {}
        true
    }

    /// Owns a name.
    pub(crate) fn own(&mut self, name: &str) -> Message {
        self.ask(Draft::bus("RequestName").text(name).u32(0))
    }

    /// Listens to what a match rule says.
    pub(crate) fn listen(&mut self, rule: &str) -> Message {
        self.ask(Draft::bus("AddMatch").text(rule))
    }
}
