//! A message that is being put together, in either byte order. Nothing is checked: a draft may lie
//! about every length, repeat a field or leave it out.

use std::fs::File;
use std::sync::Arc;

/// The types of messages.
pub mod kind {
    /// `METHOD_CALL`.
    pub const CALL: u8 = 1;
    /// `METHOD_RETURN`.
    pub const RETURN: u8 = 2;
    /// `ERROR`.
    pub const ERROR: u8 = 3;
    /// `SIGNAL`.
    pub const SIGNAL: u8 = 4;
}

/// The codes of header fields.
pub mod field {
    /// The object.
    pub const PATH: u8 = 1;
    /// The interface.
    pub const INTERFACE: u8 = 2;
    /// The method or signal.
    pub const MEMBER: u8 = 3;
    /// The error's name.
    pub const ERROR_NAME: u8 = 4;
    /// To which call this is the reply.
    pub const REPLY_SERIAL: u8 = 5;
    /// To whom.
    pub const DESTINATION: u8 = 6;
    /// From whom.
    pub const SENDER: u8 = 7;
    /// The types of the body.
    pub const SIGNATURE: u8 = 8;
    /// How many descriptors come with it.
    pub const UNIX_FDS: u8 = 9;
}

/// The flags of messages.
pub mod flag {
    /// No reply is wanted.
    pub const NO_REPLY: u8 = 1;
    /// No service is to be started for it.
    pub const NO_AUTO_START: u8 = 2;
    /// The user may be asked for a password.
    pub const INTERACTIVE: u8 = 4;
}

/// A value in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A byte, `y`.
    Byte(u8),
    /// A number, `u`.
    Number(u32),
    /// A truth value, `b`.
    Bool(bool),
    /// A string, `s`.
    Text(String),
    /// An object path, `o`.
    Path(String),
    /// A signature, `g`.
    Signature(String),
    /// An index of a descriptor, `h`.
    Fd(u32),
    /// A list of strings, `as`.
    Texts(Vec<String>),
    /// Bytes, `ay`.
    Bytes(Vec<u8>),
    /// A value with its type, `v`.
    Variant(Box<Arg>),
    /// An empty `a{sv}`.
    NoOptions,
}

impl Arg {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn signature(&self) -> &'static str {
        match self {
            Self::Byte(_) => "y",
            Self::Number(_) => "u",
            Self::Bool(_) => "b",
            Self::Text(_) => "s",
            Self::Path(_) => "o",
            Self::Signature(_) => "g",
            Self::Fd(_) => "h",
            Self::Texts(_) => "as",
            Self::Bytes(_) => "ay",
            Self::Variant(_) => "v",
            Self::NoOptions => "a{sv}",
        }
    }
}

/// What a header field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A value of an ordinary type.
    Value(Arg),
    /// Any bytes for a signature, without its length and end, and any bytes for the value.
    Raw(Vec<u8>, Vec<u8>),
}

/// A message that is being put together.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whether the most significant byte comes first.
    pub big: bool,
    /// The byte that tells the order, where it lies.
    pub order: Option<u8>,
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The version of the protocol, which is 1.
    pub version: u8,
    /// Its serial; a connection gives it one where it is `None`.
    pub serial: Option<u32>,
    /// The header's fields in their order.
    pub fields: Vec<(u8, Field)>,
    /// The body's values.
    pub args: Vec<Arg>,
    /// Bytes in the place of a body of values.
    pub body: Option<Vec<u8>>,
    /// What is said to be the body's length, where it lies.
    pub body_length: Option<u32>,
    /// What is said to be the length of the fields, where it lies.
    pub fields_length: Option<u32>,
    /// The descriptors that go with it.
    pub fds: Vec<Arc<File>>,
}

impl Draft {
    /// One of a type, with nothing in it.
    #[must_use]
    pub fn new(kind: u8) -> Self {
        Self {
            big: false,
            order: None,
            kind,
            flags: 0,
            version: 1,
            serial: None,
            fields: Vec::new(),
            args: Vec::new(),
            body: None,
            body_length: None,
            fields_length: None,
            fds: Vec::new(),
        }
    }

    /// A method call; `what` is `INTERFACE.MEMBER`.
    #[must_use]
    pub fn call(destination: &str, path: &str, what: &str) -> Self {
        let (interface, member) = what.rsplit_once('.').expect("INTERFACE.MEMBER");
        Self::new(kind::CALL)
            .path(path)
            .name(field::INTERFACE, interface)
            .name(field::MEMBER, member)
            .name(field::DESTINATION, destination)
    }

    /// A call to the bus itself.
    #[must_use]
    pub fn driver(member: &str) -> Self {
        Self::call(super::DRIVER, super::DRIVER_PATH, &format!("{}.{member}", super::DRIVER))
    }

    /// A signal to everyone; `what` is `INTERFACE.MEMBER`.
    #[must_use]
    pub fn signal(path: &str, what: &str) -> Self {
        let (interface, member) = what.rsplit_once('.').expect("INTERFACE.MEMBER");
        Self::new(kind::SIGNAL)
            .path(path)
            .name(field::INTERFACE, interface)
            .name(field::MEMBER, member)
    }

    /// The reply to a call.
    #[must_use]
    pub fn reply(destination: &str, serial: u32) -> Self {
        Self::new(kind::RETURN)
            .field(field::REPLY_SERIAL, Arg::Number(serial))
            .name(field::DESTINATION, destination)
    }

    /// An error as the reply to a call.
    #[must_use]
    pub fn error(destination: &str, serial: u32, name: &str) -> Self {
        Self::new(kind::ERROR)
            .name(field::ERROR_NAME, name)
            .field(field::REPLY_SERIAL, Arg::Number(serial))
            .name(field::DESTINATION, destination)
    }

    /// Adds a value to the body.
    #[must_use]
    pub fn arg(mut self, arg: Arg) -> Self {
        self.args.push(arg);
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn field(mut self, code: u8, value: Arg) -> Self {
        self.fields.push((code, Field::Value(value)));
        self
    }

    /// Adds a header field that holds a string.
    #[must_use]
    pub fn name(self, code: u8, text: &str) -> Self {
        self.field(code, Arg::text(text))
    }

    /// Adds the object's path.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        self.field(field::PATH, Arg::Path(path.to_owned()))
    }

    /// Leaves a header field out.
    #[must_use]
    pub fn without(mut self, code: u8) -> Self {
        self.fields.retain(|(other, _)| *other != code);
        self
    }

    /// Adds flags.
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.flags |= flags;
        self
    }

    /// Writes it with the most significant byte first.
    #[must_use]
    pub fn big_endian(mut self) -> Self {
        self.big = true;
        self
    }

    /// Sends a descriptor with it, and says so in the body.
    #[must_use]
    pub fn fd(mut self, file: Arc<File>) -> Self {
        let index = u32::try_from(self.fds.len()).expect("few");
        self.fds.push(file);
        self.arg(Arg::Fd(index))
    }

    /// Its bytes. The signature and the number of descriptors are added where there are any and no
    /// field tells of them.
    #[must_use]
    pub fn bytes(&self, serial: u32) -> Vec<u8> {
        let mut body = Writer { big: self.big, bytes: self.body.clone().unwrap_or_default() };
        self.args.iter().for_each(|arg| body.arg(arg));
        let mut fields = Writer { big: self.big, bytes: Vec::new() };
        self.all_fields().iter().for_each(|(code, value)| fields.field(*code, value));
        let mut all = Writer { big: self.big, bytes: Vec::new() };
        let order = self.order.unwrap_or(if self.big { b'B' } else { b'l' });
        all.bytes.extend([order, self.kind, self.flags, self.version]);
        all.number(self.body_length.unwrap_or_else(|| length(&body.bytes)));
        all.number(self.serial.unwrap_or(serial));
        all.number(self.fields_length.unwrap_or_else(|| length(&fields.bytes)));
        all.bytes.extend(fields.bytes);
        all.align(8);
        all.bytes.extend(body.bytes);
        all.bytes
    }

    fn all_fields(&self) -> Vec<(u8, Field)> {
        let mut fields = self.fields.clone();
        let mut add = |code, value: Arg| {
            if !self.fields.iter().any(|(other, _)| *other == code) {
                fields.push((code, Field::Value(value)));
            }
        };
        if !self.args.is_empty() {
            add(field::SIGNATURE, Arg::Signature(self.args.iter().map(Arg::signature).collect()));
        }
        if !self.fds.is_empty() {
            add(field::UNIX_FDS, Arg::Number(u32::try_from(self.fds.len()).expect("few")));
        }
        fields
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("less than 4 GiB")
}

/// Bytes with the alignment of the D-Bus wire format.
struct Writer {
    big: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(length(text));
        self.bytes.extend(text);
        self.bytes.push(0);
    }

    fn signature(&mut self, signature: &[u8]) {
        self.bytes.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.bytes.extend(signature);
        self.bytes.push(0);
    }

    fn arg(&mut self, arg: &Arg) {
        match arg {
            Arg::Byte(byte) => self.bytes.push(*byte),
            Arg::Number(number) | Arg::Fd(number) => self.number(*number),
            Arg::Bool(truth) => self.number(u32::from(*truth)),
            Arg::Text(text) | Arg::Path(text) => self.text(text.as_bytes()),
            Arg::Signature(text) => self.signature(text.as_bytes()),
            Arg::Texts(texts) => {
                let mut inner = Writer { big: self.big, bytes: Vec::new() };
                texts.iter().for_each(|text| {
                    inner.align(4);
                    inner.text(text.as_bytes());
                });
                self.number(length(&inner.bytes));
                self.bytes.extend(inner.bytes);
            }
            Arg::Bytes(bytes) => {
                self.number(length(bytes));
                self.bytes.extend(bytes);
            }
            Arg::Variant(inner) => {
                self.signature(inner.signature().as_bytes());
                self.arg(inner);
            }
            Arg::NoOptions => {
                self.number(0);
                self.align(8);
            }
        }
    }

    fn field(&mut self, code: u8, value: &Field) {
        self.align(8);
        self.bytes.push(code);
        match value {
            Field::Value(arg) => {
                self.signature(arg.signature().as_bytes());
                self.arg(arg);
            }
            Field::Raw(signature, bytes) => {
                self.signature(signature);
                self.bytes.extend(bytes);
            }
        }
    }
}
