//! What can be said to a message bus: authentication, `Hello`, and two calls (D-Bus specification).

use super::{Tried, sockets};
use crate::trial::Found;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The longest answer that is read.
const ANSWER: usize = 1 << 20;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
/// A call that must not start a service (`NO_AUTO_START`).
const NO_START: u8 = 2;
/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";

pub(super) fn greet(path: &Path) -> Tried {
    Ok(Found::text(Bus::connect(path)?.id))
}

pub(super) fn names(path: &Path) -> Tried {
    let body = Bus::connect(path)?.call(BUS, BUS, "ListNames")?;
    let names = texts(&body).ok_or_else(|| Found::refused("the bus does not answer"))?;
    Ok(Found::names(names.into_iter().filter(|name| !name.starts_with(':') && name != BUS)))
}

pub(super) fn peer(path: &Path, service: &str) -> Tried {
    Bus::connect(path)?.call(service, "org.freedesktop.DBus.Peer", "Ping")?;
    Ok(Found::text(""))
}

/// A connection that was greeted.
struct Bus {
    stream: BufReader<UnixStream>,
    id: String,
    serial: u32,
}

impl Bus {
    fn connect(path: &Path) -> Result<Self, Found> {
        let mut stream = sockets::dialogue(path)?;
        let uid: String =
            nix::unistd::geteuid().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some(id) = line.trim_end().strip_prefix("OK ").map(str::to_owned) else {
            return Err(Found::refused("the bus does not accept us"));
        };
        stream.get_mut().write_all(b"BEGIN\r\n")?;
        let mut bus = Self { stream, id, serial: 0 };
        bus.call(BUS, BUS, "Hello")?;
        Ok(bus)
    }

    /// Calls a method without arguments: the body of what it returns.
    fn call(&mut self, service: &str, interface: &str, member: &str) -> Result<Vec<u8>, Found> {
        self.serial += 1;
        let fields = [
            (PATH, b'o', "/org/freedesktop/DBus"),
            (DESTINATION, b's', service),
            (INTERFACE, b's', interface),
            (MEMBER, b's', member),
        ];
        self.stream.get_mut().write_all(&call(self.serial, &fields))?;
        loop {
            let (kind, answers, body) = self.message()?;
            match kind {
                METHOD_RETURN if answers == Some(self.serial) => return Ok(body),
                ERROR if answers == Some(self.serial) => {
                    return Err(Found::refused(format!("the bus refuses {member}")));
                }
                // A signal, as that of the name that was acquired.
                _ => {}
            }
        }
    }

    /// The next message: its type, the serial of the call that it answers, and its body.
    fn message(&mut self) -> Result<(u8, Option<u32>, Vec<u8>), Found> {
        let broken = || Found::refused("the bus does not answer");
        let mut start = [0; 16];
        self.stream.read_exact(&mut start)?;
        let [b'l', kind, _, 1, ..] = start else { return Err(broken()) };
        let (body, fields) = (number(&start, 4), number(&start, 12));
        let sizes = body.zip(fields).map(|(body, fields)| (body as usize, fields as usize));
        let (body, fields) =
            sizes.filter(|(body, fields)| body + fields <= ANSWER).ok_or_else(broken)?;
        let mut header = vec![0; fields.next_multiple_of(8)];
        self.stream.read_exact(&mut header)?;
        let mut bytes = vec![0; body];
        self.stream.read_exact(&mut bytes)?;
        Ok((kind, answered(header.get(..fields).unwrap_or_default()), bytes))
    }
}

/// The bytes of a call without a body, in little endian.
fn call(serial: u32, fields: &[(u8, u8, &str)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (code, kind, value) in fields {
        list.resize(list.len().next_multiple_of(8), 0);
        list.extend([*code, 1, *kind, 0]);
        list.extend(u32::try_from(value.len()).unwrap_or_default().to_le_bytes());
        list.extend(value.as_bytes());
        list.push(0);
    }
    // Little endian, a method call, version 1; no body.
    let mut message = vec![b'l', 1, NO_START, 1, 0, 0, 0, 0];
    message.extend(serial.to_le_bytes());
    message.extend(u32::try_from(list.len()).unwrap_or_default().to_le_bytes());
    message.extend(list);
    message.resize(message.len().next_multiple_of(8), 0);
    message
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Which call the header fields say they answer.
fn answered(fields: &[u8]) -> Option<u32> {
    let mut at = 0_usize;
    while at < fields.len() {
        let (code, kind) = (*fields.get(at)?, *fields.get(at + 2)?);
        let value = at + 4;
        if code == REPLY_SERIAL {
            return number(fields, value);
        }
        let end = match kind {
            b'u' => value + 4,
            b'g' => value + usize::from(*fields.get(value)?) + 2,
            _ => value + 4 + number(fields, value)? as usize + 1,
        };
        at = end.next_multiple_of(8);
    }
    None
}

/// The texts of an array of them.
fn texts(body: &[u8]) -> Option<Vec<String>> {
    let end = 4 + number(body, 0)? as usize;
    let (mut at, mut texts) = (4_usize, Vec::new());
    while at < end {
        at = at.next_multiple_of(4);
        let start = at + 4;
        let stop = start + number(body, at)? as usize;
        texts.push(String::from_utf8(body.get(start..stop)?.to_vec()).ok()?);
        at = stop + 1;
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_texts_is_read_and_a_broken_one_is_none() {
        let mut body = vec![0; 4];
        for text in ["a", "org.b"] {
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            body.extend(text.as_bytes());
            body.push(0);
        }
        let length = u32::try_from(body.len() - 4).unwrap();
        body[..4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(texts(&body).unwrap(), ["a", "org.b"]);
        body[4] = 200;
        assert_eq!(texts(&body), None);
    }

    #[test]
    fn the_answered_call_is_found_among_other_fields() {
        // A signature, a text, and the serial.
        let mut fields =
            vec![8, 1, b'g', 0, 1, b's', 0, 0, 7, 1, b's', 0, 2, 0, 0, 0, b':', b'1', 0];
        fields.resize(24, 0);
        fields.extend([REPLY_SERIAL, 1, b'u', 0, 9, 0, 0, 0]);
        assert_eq!(answered(&fields), Some(9));
        assert_eq!(answered(&fields[..20]), None);
    }
}
