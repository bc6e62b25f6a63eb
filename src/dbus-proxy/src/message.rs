//! Writing messages: the few that the proxy says itself, to either side.

use crate::fields::Header;
use crate::frame::{Kind, NO_REPLY, PREFIX};
use crate::grammar::{BUS, BUS_PATH};

/// A message of ours, in this machine's order or any: it is little-endian.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn new(kind: Kind, flags: u8, serial: u32) -> Self {
        let kind = match kind {
            Kind::Call => 1,
            Kind::Return => 2,
            Kind::Error => 3,
            Kind::Signal => 4,
        };
        let mut bytes = Vec::with_capacity(256);
        bytes.extend([b'l', kind, flags, 1, 0, 0, 0, 0]);
        bytes.extend(serial.to_le_bytes());
        bytes.extend([0; 4]);
        Self { bytes }
    }

    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(length(text.len()));
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn begin(&mut self, code: u8, types: u8) {
        self.align(8);
        self.bytes.extend([code, 1, types, 0]);
    }

    fn named(mut self, code: u8, types: u8, text: Option<&str>) -> Self {
        if let Some(text) = text {
            self.begin(code, types);
            self.text(text);
        }
        self
    }

    fn reply_to(mut self, serial: u32) -> Self {
        self.begin(5, b'u');
        self.number(serial);
        self
    }

    /// Ends the header; `signature` has at most 255 bytes.
    fn body(mut self, signature: &str, write: impl FnOnce(&mut Self)) -> Vec<u8> {
        if !signature.is_empty() {
            self.begin(8, b'g');
            self.bytes.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
            self.bytes.extend(signature.as_bytes());
            self.bytes.push(0);
        }
        let fields = self.bytes.len() - PREFIX;
        self.align(8);
        let header = self.bytes.len();
        write(&mut self);
        let body = self.bytes.len() - header;
        put(&mut self.bytes, 4, body);
        put(&mut self.bytes, 12, fields);
        self.bytes
    }
}

fn length(length: usize) -> u32 {
    // Nothing that is written here is longer than a message may be.
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put(bytes: &mut [u8], at: usize, value: usize) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&length(value).to_le_bytes());
    }
}

/// A call of the bus's own interface with one text.
#[must_use]
pub fn bus_call(serial: u32, flags: u8, member: &str, argument: Option<&str>) -> Vec<u8> {
    let call = Writer::new(Kind::Call, flags, serial)
        .named(1, b'o', Some(BUS_PATH))
        .named(2, b's', Some(BUS))
        .named(3, b's', Some(member))
        .named(6, b's', Some(BUS));
    match argument {
        Some(text) => call.body("s", |body| body.text(text)),
        None => call.body("", |_| {}),
    }
}

/// Where a reply of ours goes.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// The serial of the call.
    pub call: u32,
    /// The serial of the reply.
    pub serial: u32,
    /// The app's unique name, once it has one.
    pub to: Option<&'a str>,
}

impl Answering<'_> {
    fn begin(&self, kind: Kind) -> Writer {
        Writer::new(kind, NO_REPLY, self.serial).reply_to(self.call).named(6, b's', self.to)
    }

    /// An error, in the name of the bus.
    #[must_use]
    pub fn error(&self, name: &str, text: &str) -> Vec<u8> {
        self.begin(Kind::Error)
            .named(4, b's', Some(name))
            .named(7, b's', Some(BUS))
            .body("s", |body| body.text(text))
    }

    /// That there is nothing to say.
    #[must_use]
    pub fn nothing(&self) -> Vec<u8> {
        self.begin(Kind::Return).named(7, b's', Some(BUS)).body("", |_| {})
    }

    /// No.
    #[must_use]
    pub fn no(&self) -> Vec<u8> {
        self.begin(Kind::Return).named(7, b's', Some(BUS)).body("b", |body| body.number(0))
    }

    /// A list of names.
    #[must_use]
    pub fn names<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<u8> {
        self.begin(Kind::Return).named(7, b's', Some(BUS)).body("as", |body| {
            let start = body.bytes.len();
            body.number(0);
            for name in names {
                body.text(name);
            }
            let size = body.bytes.len() - start - 4;
            put(&mut body.bytes, start, size);
        })
    }
}

/// The call with another argument, as [`bus_call`] writes it; the bus is to answer it.
#[must_use]
pub fn with_argument(header: &Header<'_>, member: &str, argument: &str) -> Vec<u8> {
    bus_call(header.frame.serial, header.frame.flags & !NO_REPLY, member, Some(argument))
}

/// A whole call, so that it is answered.
#[must_use]
pub fn answered(call: &[u8]) -> Vec<u8> {
    let mut call = call.to_vec();
    if let Some(flags) = call.get_mut(2) {
        *flags &= !NO_REPLY;
    }
    call
}
