//! The handshake before messages (D-Bus specification, “Authentication Protocol”).
//!
//! The proxy is a server to the app and a client to the bus, and relays nothing between the two. To
//! the bus it is whom it runs as. An app may call itself by any number, as in its own user namespace
//! it has another than outside: who may connect was decided by who reaches the socket.

use crate::fault::Fault;

/// The most bytes of a line with its end.
const LONGEST: usize = 1024;
/// The most lines before BEGIN.
const MOST: u32 = 32;

/// Where the app's side of the handshake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The zero byte is to come.
    Nul,
    /// AUTH is to come.
    Auth,
    /// DATA is to come.
    Data,
    /// All is well; BEGIN is to come.
    Begin,
    /// Messages follow.
    Done,
}

/// The server's part, towards the app.
#[derive(Debug)]
pub struct Server {
    state: State,
    lines: u32,
    /// What the bus calls itself, in hexadecimal.
    guid: String,
    /// Whether the bus takes descriptors.
    fds_offered: bool,
    /// Whether both sides take descriptors.
    fds: bool,
}

impl Server {
    /// Begins, for a bus that has answered so.
    #[must_use]
    pub fn new(bus: Greeting) -> Self {
        Self { state: State::Nul, lines: 0, guid: bus.guid, fds_offered: bus.fds, fds: false }
    }

    /// Whether messages follow.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether descriptors may be sent.
    #[must_use]
    pub fn takes_fds(&self) -> bool {
        self.fds
    }

    /// Takes what the app said: how many bytes of it are dealt with. What is said to it is put into
    /// `answer`. After BEGIN nothing more is taken.
    ///
    /// # Errors
    /// When it does not follow the protocol.
    pub fn take(&mut self, said: &[u8], answer: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut taken = 0;
        if self.state == State::Nul && !said.is_empty() {
            if said.first() != Some(&0) {
                return Err(Fault::Authentication);
            }
            taken = 1;
            self.state = State::Auth;
        }
        while self.state != State::Done
            && let Some((line, length)) = line(said.get(taken..).unwrap_or_default())?
        {
            taken += length;
            self.lines += 1;
            if self.lines > MOST {
                return Err(Fault::Authentication);
            }
            self.line(line, answer)?;
        }
        Ok(taken)
    }

    fn line(&mut self, line: &str, answer: &mut Vec<u8>) -> Result<(), Fault> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (self.state, command) {
            (State::Auth, "AUTH") => self.mechanism(rest, answer),
            (State::Data, "DATA") => self.identity(rest, answer),
            (State::Auth | State::Data | State::Begin, "CANCEL" | "ERROR") => self.reject(answer),
            (State::Begin, "NEGOTIATE_UNIX_FD") if self.fds_offered => {
                self.fds = true;
                say(answer, "AGREE_UNIX_FD");
            }
            (State::Begin, "BEGIN") => self.state = State::Done,
            (_, "BEGIN") => return Err(Fault::Authentication),
            _ => say(answer, "ERROR"),
        }
        Ok(())
    }

    fn mechanism(&mut self, rest: &str, answer: &mut Vec<u8>) {
        match rest.split_once(' ').unwrap_or((rest, "")) {
            ("EXTERNAL", "") => {
                self.state = State::Data;
                say(answer, "DATA");
            }
            ("EXTERNAL", identity) => self.identity(identity, answer),
            _ => self.reject(answer),
        }
    }

    fn identity(&mut self, text: &str, answer: &mut Vec<u8>) {
        if is_number(text) {
            self.state = State::Begin;
            say(answer, &format!("OK {}", self.guid));
        } else {
            self.reject(answer);
        }
    }

    fn reject(&mut self, answer: &mut Vec<u8>) {
        self.state = State::Auth;
        self.fds = false;
        say(answer, "REJECTED EXTERNAL");
    }
}

/// What a bus answers to [`greeting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// What it calls itself, in hexadecimal.
    pub guid: String,
    /// Whether it takes descriptors.
    pub fds: bool,
}

/// All that the proxy says to a bus before messages, at once.
#[must_use]
pub fn greeting(uid: u32) -> Vec<u8> {
    let mut said = b"\0AUTH EXTERNAL ".to_vec();
    for digit in uid.to_string().bytes() {
        said.extend(format!("{digit:02x}").bytes());
    }
    said.extend(b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
    said
}

/// Reads what a bus answers to it; none while there is less of it than that takes.
///
/// # Errors
/// When it refuses, or does not follow the protocol.
pub fn answered(said: &[u8]) -> Result<Option<(Greeting, usize)>, Fault> {
    let Some((first, length)) = line(said)? else { return Ok(None) };
    let guid = first.strip_prefix("OK ").ok_or(Fault::Refused)?;
    if guid.len() != 32 || !guid.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fault::Authentication);
    }
    let Some((second, more)) = line(said.get(length..).unwrap_or_default())? else {
        return Ok(None);
    };
    let fds = second == "AGREE_UNIX_FD";
    if !fds && second.split(' ').next() != Some("ERROR") {
        return Err(Fault::Authentication);
    }
    Ok(Some((Greeting { guid: guid.to_owned(), fds }, length + more)))
}

/// The first line, without its end, and its length with it.
fn line(said: &[u8]) -> Result<Option<(&str, usize)>, Fault> {
    let seen = said.get(..said.len().min(LONGEST)).unwrap_or_default();
    let Some(end) = seen.windows(2).position(|two| two == b"\r\n") else {
        return if seen.len() == LONGEST { Err(Fault::Authentication) } else { Ok(None) };
    };
    let line = seen.get(..end).unwrap_or_default();
    if !line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Err(Fault::Authentication);
    }
    let text = std::str::from_utf8(line).map_err(|_| Fault::Authentication)?;
    Ok(Some((text, end + 2)))
}

fn say(answer: &mut Vec<u8>, line: &str) {
    answer.extend(line.bytes());
    answer.extend(b"\r\n");
}

/// Whether it is nothing, or a number of a user whose digits are written in hexadecimal.
fn is_number(text: &str) -> bool {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty()
        && pairs.len() <= 10
        && pairs.iter().all(|[high, low]| *high == b'3' && low.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0123456789abcdef0123456789abcdef";

    /// What the app is told, and how many of its bytes were taken.
    fn talk(fds: bool, said: &[u8]) -> (Result<usize, Fault>, String, Server) {
        let mut server = Server::new(Greeting { guid: GUID.to_owned(), fds });
        let mut answer = Vec::new();
        let taken = server.take(said, &mut answer);
        (taken, String::from_utf8(answer).unwrap(), server)
    }

    #[test]
    fn an_app_begins_with_or_without_its_number() {
        for said in [
            &b"\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl"[..],
            b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl",
            b"\0AUTH EXTERNAL\r\nDATA 31303030\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl",
        ] {
            let (taken, answer, server) = talk(true, said);
            assert_eq!(taken, Ok(said.len() - 1));
            assert!(answer.ends_with(&format!("OK {GUID}\r\nAGREE_UNIX_FD\r\n")), "{answer}");
            assert!(server.is_done() && server.takes_fds());
        }
    }

    #[test]
    fn descriptors_are_agreed_on_by_both_or_not_at_all() {
        let (_, answer, server) =
            talk(false, b"\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
        assert!(answer.ends_with("ERROR\r\n") && server.is_done() && !server.takes_fds());
        let (_, _, server) = talk(true, b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n");
        assert!(server.is_done() && !server.takes_fds());
    }

    #[test]
    fn other_ways_are_rejected_and_external_may_follow() {
        let said = b"\0AUTH\r\nAUTH ANONYMOUS\r\nAUTH DBUS_COOKIE_SHA1 30\r\nAUTH EXTERNAL 3x\r\n\
            NOTHING\r\nAUTH EXTERNAL\r\nCANCEL\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n";
        let (taken, answer, server) = talk(true, said);
        let no = "REJECTED EXTERNAL\r\n".repeat(4);
        assert_eq!(answer, format!("{no}ERROR\r\nDATA\r\nREJECTED EXTERNAL\r\nOK {GUID}\r\n"));
        assert!(taken == Ok(said.len()) && server.is_done());
    }

    #[test]
    fn what_is_no_handshake_ends_it() {
        let long = [b"\0".as_slice(), &b"A".repeat(LONGEST)].concat();
        let many = [b"\0".as_slice(), &b"ERROR\r\n".repeat(33)].concat();
        for said in [
            &b"AUTH EXTERNAL 30\r\n"[..],
            b"\0BEGIN\r\n",
            b"\0AUTH EXTERNAL\r\nBEGIN\r\n",
            b"\0AUTH \xc3\xa9\r\n",
            b"\0AUTH EXTERNAL 30\nBEGIN\r\n",
            &long,
            &many,
        ] {
            assert_eq!(talk(true, said).0, Err(Fault::Authentication));
        }
        assert_eq!(talk(true, b"\0AUTH EXT").0, Ok(1));
    }

    #[test]
    fn the_answer_of_a_bus_is_read() {
        let whole = format!("OK {GUID}\r\nAGREE_UNIX_FD\r\nl");
        let (greeting, length) = answered(whole.as_bytes()).unwrap().unwrap();
        assert!(greeting.fds && greeting.guid == GUID && length == whole.len() - 1);
        assert_eq!(answered(format!("OK {GUID}\r\nAGREE").as_bytes()), Ok(None));
        assert_eq!(answered(b"REJECTED EXTERNAL\r\n"), Err(Fault::Refused));
        assert!(!answered(format!("OK {GUID}\r\nERROR\r\n").as_bytes()).unwrap().unwrap().0.fds);
        assert_eq!(
            greeting_text(1000),
            "\0AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
        );
    }

    fn greeting_text(uid: u32) -> String {
        String::from_utf8(greeting(uid)).unwrap()
    }
}
