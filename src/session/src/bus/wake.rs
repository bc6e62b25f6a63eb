//! Services of the session that start with the first program that asks for them, and have to be there
//! before the sandbox is built: what they open is shown in it.

use crate::wire::{ANSWER, Connection, ERROR, Message, Method, Writer};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::os::fd::BorrowedFd;
use std::path::Path;

const HELLO: Method = Method {
    service: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
    member: "Hello",
};
/// Where the documents portal shows files; it is mounted before that is told.
const DOCUMENTS: Method = Method {
    service: "org.freedesktop.portal.Documents",
    path: "/org/freedesktop/portal/documents",
    interface: "org.freedesktop.portal.Documents",
    member: "GetMountPoint",
};
/// Where the accessibility bus listens.
const ACCESSIBILITY: Method = Method {
    service: "org.a11y.Bus",
    path: "/org/a11y/bus",
    interface: "org.a11y.Bus",
    member: "GetAddress",
};

/// The bus that is asked, and when to stop waiting for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session<'a> {
    pub(super) socket: &'a Path,
    pub(super) uid: u32,
    pub(super) stop: BorrowedFd<'a>,
}

impl Session<'_> {
    /// Has the documents portal mount what it shows.
    pub(super) fn wake_documents(self) -> Result<()> {
        self.ask(DOCUMENTS).map(drop)
    }

    /// The address of the accessibility bus.
    pub(super) fn wake_accessibility(self) -> Result<String> {
        self.ask(ACCESSIBILITY)?.body().text()
    }

    /// Makes a call without arguments. The bus starts the service for it.
    fn ask(self, method: Method) -> Result<Message> {
        let mut connection = Connection::open(self.socket, self.uid, self.stop)?;
        let nothing = Writer::default();
        let mut calls = HELLO.call(1, "", &nothing);
        calls.extend(method.call(2, "", &nothing));
        connection.write_all(&calls)?;
        // Each is answered, in their order.
        let mut answers = 0;
        loop {
            let message = Message::read(&mut connection)?;
            answers += usize::from(matches!(message.kind, ANSWER | ERROR));
            match message.kind {
                ERROR => return Err(Error::from(ErrorKind::NotFound)),
                ANSWER if answers == 2 => return Ok(message),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SIGNAL;
    use std::io::Read as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    /// A message of that kind without header fields, and a text in it.
    fn message(kind: u8, text: &str) -> Vec<u8> {
        let mut body = Writer::default();
        body.text(text);
        let mut message = Writer(vec![b'l', kind, 0, 1]);
        message.number(u32::try_from(body.0.len()).unwrap());
        message.number(9);
        message.array(8, |_| {});
        message.align(8);
        message.0.extend(body.0);
        message.0
    }

    fn asked(name: &str, answers: Vec<u8>) -> Result<String> {
        let directory = std::env::temp_dir();
        let socket = directory.join(format!("arkose-wake-{}-{name}", std::process::id()));
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(b"OK 1\r\n").unwrap();
            stream.write_all(&answers).unwrap();
            while stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
        });
        let (stop, _never) = UnixStream::pair().unwrap();
        let asked = Session { socket: &socket, uid: 0, stop: stop.as_fd() }.wake_accessibility();
        server.join().unwrap();
        std::fs::remove_file(&socket).unwrap();
        asked
    }

    #[test]
    fn the_answer_to_the_call_is_what_counts() {
        let answers = [(ANSWER, ":1.7"), (SIGNAL, ":1.7"), (ANSWER, "unix:path=/run/a11y")];
        let answers = answers.map(|(kind, text)| message(kind, text)).concat();
        assert_eq!(asked("answer", answers).unwrap(), "unix:path=/run/a11y");
    }

    #[test]
    fn a_service_that_cannot_be_started_is_an_error() {
        let answers = [message(ANSWER, ":1.7"), message(ERROR, "no such service")].concat();
        assert_eq!(asked("error", answers).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
