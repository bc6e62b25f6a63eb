//! The first words to a message bus: authentication and `Hello` (D-Bus specification).

use super::{Tried, sockets};
use crate::trial::Found;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

/// No answer to `Hello` is longer.
const ANSWER: usize = 4096;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

pub(super) fn greet(path: &Path) -> Tried {
    let mut stream = sockets::dialogue(path)?;
    let uid: String =
        nix::unistd::geteuid().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(id) = line.trim_end().strip_prefix("OK ") else {
        return Err(Found::refused("the bus does not accept us"));
    };
    stream.write_all(b"BEGIN\r\n")?;
    stream.write_all(&hello())?;
    let mut answer = [0; ANSWER];
    let length = reader.read(&mut answer)?;
    match answer.get(..length).and_then(|answer| answer.get(1)) {
        Some(&METHOD_RETURN) => Ok(Found::text(id)),
        Some(&ERROR) => Err(Found::refused("the bus refuses Hello")),
        _ => Err(Found::refused("the bus does not answer")),
    }
}

/// `org.freedesktop.DBus.Hello` of the bus itself, in little endian.
fn hello() -> Vec<u8> {
    const FIELDS: [(u8, u8, &str); 4] = [
        (1, b'o', "/org/freedesktop/DBus"),
        (6, b's', "org.freedesktop.DBus"),
        (2, b's', "org.freedesktop.DBus"),
        (3, b's', "Hello"),
    ];
    let mut fields = Vec::new();
    for (code, kind, value) in FIELDS {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, kind, 0]);
        fields.extend(u32::try_from(value.len()).unwrap_or_default().to_le_bytes());
        fields.extend(value.as_bytes());
        fields.push(0);
    }
    // Little endian, a method call, no flags, version 1; no body, serial 1.
    let mut message = vec![b'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0];
    message.extend(u32::try_from(fields.len()).unwrap_or_default().to_le_bytes());
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message
}
