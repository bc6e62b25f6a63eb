//! Sandboxes in a runtime directory of the test's own, where nobody else lists or ends them.

use crate::arkose::{Arkose, Running, Via};
use crate::scratch::Scratch;
use crate::wait;
use arkose_protocol::Channel;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, IoSlice, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A runtime directory.
#[derive(Debug)]
pub struct Place(Scratch);

impl Place {
    /// One with nothing in it.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "nothing is a default here")]
    pub fn new() -> Self {
        Self::of(Scratch::home())
    }

    /// One that others could look into, if its own mode let them.
    #[must_use]
    pub fn open() -> Self {
        Self::of(Scratch::system())
    }

    fn of(scratch: Scratch) -> Self {
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(scratch)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `arkose run --via …` there.
    #[must_use]
    pub fn run(&self, via: Via) -> Arkose {
        Arkose::run(via).env("XDG_RUNTIME_DIR", self.path())
    }

    /// `arkose` with any words there.
    #[must_use]
    pub fn call<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Arkose {
        Arkose::call(words).env("XDG_RUNTIME_DIR", self.path())
    }

    /// What `arkose ps --json` says.
    ///
    /// # Panics
    ///
    /// When it says nothing of sense.
    #[must_use]
    pub fn list(&self) -> Vec<Value> {
        let list: Value = serde_json::from_str(&self.call(["ps", "--json"]).prints()).unwrap();
        list.as_array().unwrap().clone()
    }

    /// Waits until that one is listed, and says how.
    ///
    /// # Panics
    ///
    /// When it is not listed within [`wait::LAUNCH`].
    #[must_use]
    pub fn listed(&self, running: &Running) -> Value {
        let mut found = None;
        wait::until(wait::LAUNCH, || {
            found = self.list().into_iter().find(|one| one["supervisor"] == running.pid().as_raw());
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("{running:?} is not listed"))
    }

    /// Waits until that one is listed, and gives its id.
    #[must_use]
    pub fn id(&self, running: &Running) -> String {
        text(&self.listed(running)["id"])
    }

    /// The directory of one of its sandboxes.
    #[must_use]
    pub fn dir(&self, id: &str) -> PathBuf {
        self.path().join("arkose").join(id)
    }

    /// A connection to a sandbox, by its very socket.
    ///
    /// # Panics
    ///
    /// When nobody listens.
    #[must_use]
    pub fn connect(&self, id: &str) -> UnixStream {
        UnixStream::connect(self.dir(id).join("control")).unwrap()
    }

    /// What a sandbox answers to that line.
    ///
    /// # Panics
    ///
    /// When it answers nothing of sense.
    #[must_use]
    pub fn answer(&self, id: &str, line: &str) -> Value {
        let mut socket = self.connect(id);
        // One that is refused at once does not read it.
        let _ = socket.write_all(format!("{line}\n").as_bytes());
        answer(&socket)
    }

    /// A socket whose other end the first process of that sandbox has.
    ///
    /// # Panics
    ///
    /// When the sandbox does not take it.
    #[must_use]
    pub fn door(&self, id: &str) -> Channel {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = theirs.into_fd();
        let socket = self.connect(id);
        let line = format!("{}\n", json!({ "ask": "enter" }));
        let fds = [theirs.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        let parts = [IoSlice::new(line.as_bytes())];
        sendmsg::<()>(socket.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None).unwrap();
        let answer = answer(&socket);
        assert_eq!(answer["ok"], true, "{answer}");
        ours
    }
}

/// One line of an answer.
fn answer(socket: &UnixStream) -> Value {
    socket.set_read_timeout(Some(wait::LAUNCH)).unwrap();
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

/// A text in JSON.
///
/// # Panics
///
/// When it is none.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
