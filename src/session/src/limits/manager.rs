//! The user's systemd manager, as far as a launch needs it: one call, and the end of its job.
//!
//! It is spoken to over its own socket, as `systemctl --user` does, where there is no bus between.

use crate::wire::{Connection, ERROR, Message, Method, SIGNAL, Writer};
use std::io::{Error, Result, Write as _};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

const START: Method = Method {
    service: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "StartTransientUnit",
};

/// A property of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Long(u64),
    Numbers(Vec<u32>),
}

/// A connection to the manager.
#[derive(Debug)]
pub(super) struct Manager<'a>(Connection<'a>);

/// Where it listens.
pub(super) fn socket(runtime: &Path) -> PathBuf {
    runtime.join("systemd/private")
}

impl<'a> Manager<'a> {
    /// Connects to the manager of the user whose runtime directory that is; given up when `stop` is
    /// readable.
    pub(super) fn connect(runtime: &Path, uid: u32, stop: BorrowedFd<'a>) -> Result<Self> {
        Connection::open(&socket(runtime), uid, stop).map(Self)
    }

    /// Makes a unit that lives as long as its processes, and waits until it is there.
    pub(super) fn start_transient_unit(
        &mut self,
        unit: &str,
        properties: &[(&str, Value)],
    ) -> Result<()> {
        self.0.write_all(&call(unit, properties))?;
        loop {
            let message = Message::read(&mut self.0)?;
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

fn refused(why: &str) -> Error {
    Error::other(format!("systemd gives no scope: {why}"))
}

fn call(unit: &str, properties: &[(&str, Value)]) -> Vec<u8> {
    let mut body = Writer::default();
    body.text(unit);
    body.text("fail");
    body.array(8, |body| {
        for (name, value) in properties {
            body.align(8);
            body.text(name);
            variant(body, value);
        }
    });
    // No units beside it.
    body.array(8, |_| {});
    START.call(1, "ssa(sv)a(sa(sv))", &body)
}

fn variant(body: &mut Writer, value: &Value) {
    match value {
        Value::Text(text) => {
            body.signature("s");
            body.text(text);
        }
        Value::Bool(on) => {
            body.signature("b");
            body.number(u32::from(*on));
        }
        Value::Long(number) => {
            body.signature("t");
            body.align(8);
            body.0.extend(number.to_le_bytes());
        }
        Value::Numbers(numbers) => {
            body.signature("au");
            body.array(4, |array| numbers.iter().for_each(|number| array.number(*number)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CALL, PATIENCE};
    use std::io::{ErrorKind, Read as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Instant;

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
