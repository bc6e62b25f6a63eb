//! A message that came, taken apart. What is not as the specification has it is an error: nothing
//! that comes from a bus, with or without a proxy before it, may be so.

use super::draft::{Arg, field};
use std::os::fd::OwnedFd;

/// A message that came.
#[derive(Debug, Default)]
pub struct Message {
    /// Whether the most significant byte came first.
    pub big: bool,
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its serial.
    pub serial: u32,
    /// To which call it is the reply.
    pub reply_serial: Option<u32>,
    /// How many descriptors are said to come with it.
    pub unix_fds: u32,
    /// The header's strings, by the code of their field.
    names: [Option<String>; 10],
    /// Its body.
    pub body: Vec<u8>,
    /// The descriptors that came with it.
    pub fds: Vec<OwnedFd>,
}

/// How long the message is that begins with these bytes, as soon as that can be told.
pub(super) fn needed(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(head) = bytes.first_chunk::<16>() else { return Ok(None) };
    let big = order(head[0])?;
    let at = |at: usize| number(big, &head[at..at + 4]) as usize;
    let all = 16 + at(12).next_multiple_of(8) + at(4);
    if all > 128 << 20 { Err(format!("a message of {all} bytes")) } else { Ok(Some(all)) }
}

fn order(byte: u8) -> Result<bool, String> {
    match byte {
        b'l' => Ok(false),
        b'B' => Ok(true),
        other => Err(format!("no byte order: {other:#x}")),
    }
}

fn number(big: bool, bytes: &[u8]) -> u32 {
    let bytes = bytes.try_into().expect("four bytes");
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

impl Message {
    /// Takes a whole message apart; its descriptors are put in by whoever received them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let [first, kind, flags, version, ..] = *bytes else { return Err("no head".into()) };
        let big = order(first)?;
        if version != 1 {
            return Err(format!("version {version}"));
        }
        let fields = number(big, &bytes[12..16]) as usize;
        let mut message =
            Self { big, kind, flags, serial: number(big, &bytes[8..12]), ..Self::default() };
        if message.serial == 0 {
            return Err("serial 0".into());
        }
        let mut reader = Reader { big, bytes: &bytes[..16 + fields], at: 16 };
        while reader.at < reader.bytes.len() {
            reader.align(8);
            let code = reader.byte()?;
            let signature = reader.signature()?;
            let value = reader.arg(&signature)?;
            message.take(code, value)?;
        }
        message.body = bytes[(16 + fields).next_multiple_of(8)..].to_vec();
        Ok(message)
    }

    fn take(&mut self, code: u8, value: Arg) -> Result<(), String> {
        match (code, value) {
            (field::REPLY_SERIAL, Arg::Number(number)) => self.reply_serial = Some(number),
            (field::UNIX_FDS, Arg::Number(number)) => self.unix_fds = number,
            (1..=9, Arg::Text(text) | Arg::Path(text) | Arg::Signature(text)) => {
                if self.names[usize::from(code)].replace(text).is_some() {
                    return Err(format!("field {code} twice"));
                }
            }
            (code, value) => return Err(format!("field {code} holds {value:?}")),
        }
        Ok(())
    }

    /// A string of the header by its field's code; empty where there is none.
    #[must_use]
    pub fn name(&self, code: u8) -> &str {
        self.names[usize::from(code)].as_deref().unwrap_or_default()
    }

    /// The member, or the name of an error.
    #[must_use]
    pub fn what(&self) -> &str {
        let code = if self.kind == super::kind::ERROR { field::ERROR_NAME } else { field::MEMBER };
        self.name(code)
    }

    /// Who sent it.
    #[must_use]
    pub fn sender(&self) -> &str {
        self.name(field::SENDER)
    }

    /// The body's values, as far as they are of types that tests use.
    #[must_use]
    pub fn args(&self) -> Vec<Arg> {
        let mut reader = Reader { big: self.big, bytes: &self.body, at: 0 };
        let mut args = Vec::new();
        let mut rest = self.name(field::SIGNATURE);
        while !rest.is_empty() {
            let length = ["as", "ay"].iter().any(|two| rest.starts_with(two));
            let (one, others) = rest.split_at(if length { 2 } else { 1 });
            let Ok(arg) = reader.arg(one) else { break };
            args.push(arg);
            rest = others;
        }
        args
    }

    /// The first value, where it is a string or a path.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.args().into_iter().next()? {
            Arg::Text(text) | Arg::Path(text) => Some(text),
            _ => None,
        }
    }

    /// The first value, where it is a list of strings.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self.args().into_iter().next() {
            Some(Arg::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }
}

struct Reader<'a> {
    big: bool,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let at = self.at;
        self.at = at + count;
        self.bytes.get(at..at + count).ok_or_else(|| format!("{count} bytes at {at} are not there"))
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Result<u32, String> {
        self.align(4);
        let big = self.big;
        self.take(4).map(|bytes| number(big, bytes))
    }

    fn ended(&mut self, length: usize) -> Result<String, String> {
        let bytes = self.take(length + 1)?;
        match bytes.split_last() {
            Some((0, text)) => String::from_utf8(text.to_vec()).map_err(|error| error.to_string()),
            _ => Err("a string without its end".into()),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.number()? as usize;
        self.ended(length)
    }

    fn signature(&mut self) -> Result<String, String> {
        let length = self.byte()?.into();
        self.ended(length)
    }

    fn arg(&mut self, signature: &str) -> Result<Arg, String> {
        Ok(match signature {
            "y" => Arg::Byte(self.byte()?),
            "u" => Arg::Number(self.number()?),
            "b" => Arg::Bool(self.number()? != 0),
            "h" => Arg::Fd(self.number()?),
            "s" => Arg::Text(self.text()?),
            "o" => Arg::Path(self.text()?),
            "g" => Arg::Signature(self.signature()?),
            "as" => {
                let length = self.number()? as usize;
                let end = self.at + length;
                let mut texts = Vec::new();
                while self.at < end {
                    texts.push(self.text()?);
                }
                Arg::Texts(texts)
            }
            "ay" => {
                let length = self.number()? as usize;
                Arg::Bytes(self.take(length)?.to_vec())
            }
            "v" => {
                let inner = self.signature()?;
                Arg::Variant(Box::new(self.arg(&inner)?))
            }
            other => return Err(format!("a value of type {other:?}")),
        })
    }
}
