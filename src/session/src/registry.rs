//! The place of a running sandbox among all of them: its facts, and a socket at which it is asked.
//!
//! A sandbox takes it when it has lived for a moment; commands that end sooner do not pay for it. The
//! supervisor serves the socket in its own loop and waits for nobody: what is asked fits a short
//! line, an answer that is not taken is dropped, and a new connection ends an old one when there are
//! many. One request, one answer; the socket stays open as long as there is more to tell. Heard are
//! the user and root, and nobody inside a sandbox.

mod connection;
mod peer;

use crate::bus::Ring;
use crate::error::{Error, Kind};
use crate::events::Events;
use crate::facts::{self, Facts};
use crate::network::{Ask, Told};
use crate::runtime::Runtime;
use connection::Connection;
use nix::poll::PollFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde_json::{Value, json};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The socket's name.
pub(crate) const SOCKET: &str = "control";
/// How many may be connected at once.
const MOST: usize = 32;
/// How long an app may take to end that is asked to, unless the request says otherwise.
const GRACE: Duration = Duration::from_secs(5);
/// The longest time that a request may give it.
const LONGEST: Duration = Duration::from_secs(3600);

/// What is to be done for somebody who asked.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Ask the app to end, and end it after that time.
    Stop(Duration),
    /// Let a command in; what is to be said about it is said over that socket.
    Enter(OwnedFd),
    /// Have the buses' proxy tell also what is allowed.
    LogAll,
    /// Ask the network; the answer has that number.
    Network(u64, Ask),
}

/// What a sandbox answers by itself.
pub(crate) trait Answers {
    /// What the app may reach, as `arkose explain` has it, and what it uses where that is counted.
    fn about(&self) -> Value;
}

/// The socket of one sandbox.
#[derive(Debug)]
pub(crate) struct Registry {
    listener: OwnedFd,
    connections: Vec<Connection>,
    /// The number of the last answer that was waited for.
    last: u64,
    id: String,
}

impl Registry {
    /// Writes the facts and listens.
    pub(crate) fn open(runtime: &Runtime, facts: &Facts) -> Result<Self, Error> {
        let listener = listen(runtime.dir_fd()?).map_err(|errno| {
            Error::new(Kind::CannotCreate).value(SOCKET).because(std::io::Error::from(errno))
        })?;
        let text = serde_json::to_vec(facts).map_err(|_| Error::new(Kind::Internal))?;
        // Last: who sees the facts can connect.
        runtime.write(facts::FILE, 0o600, &text)?;
        Ok(Self { listener, connections: Vec::new(), last: 0, id: facts.id.clone() })
    }

    /// What is waited for.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let listener = (self.listener.as_fd(), PollFlags::POLLIN);
        let connections = self.connections.iter().map(|one| (one.socket(), one.wanted()));
        std::iter::once(listener).chain(connections)
    }

    /// Does what there is to do; `ready` is in the order of [`wanted`](Self::wanted).
    pub(crate) fn serve(
        &mut self,
        ready: &[PollFlags],
        answers: &dyn Answers,
        log: &Ring,
    ) -> Vec<Asked> {
        let mut asked = Vec::new();
        let mut ready = ready.iter().copied();
        let new = ready.next().is_some_and(|ready| !ready.is_empty());
        for (one, ready) in self.connections.iter_mut().zip(ready) {
            if let Some((request, fd)) = one.pass(ready) {
                self.last += 1;
                asked.extend(answer(one, &request, fd, (answers, log), (&self.id, self.last)));
            }
        }
        self.connections.retain(|one| !one.is_over());
        if new {
            self.accept();
        }
        asked
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(socket) = rustix::net::accept_with(&self.listener, flags) else { return };
        let mut connection = Connection::new(socket);
        if !peer::is_heard(connection.socket()) {
            connection
                .refuse("only the user whose sandbox this is can ask, and not from inside one");
            return;
        }
        if self.connections.len() >= MOST {
            // The oldest that has not even asked; else the oldest of those that listen.
            let idle = self.connections.iter().position(|one| !one.has_asked()).unwrap_or(0);
            self.connections.remove(idle);
        }
        self.connections.push(connection);
    }

    /// An answer, or a part of it, for whoever still waits.
    pub(crate) fn answer(&mut self, told: &Told) {
        let mut waiting = self.connections.iter_mut();
        let Some(one) = waiting.find(|one| one.waits_for(told.number)) else { return };
        match told.is_last {
            true => one.last(&told.answer),
            false => one.say(&told.answer),
        }
    }

    /// Tells what has happened to whoever follows.
    pub(crate) fn tell(&mut self, events: &mut Events) {
        for (event, of_bus) in events.untold() {
            let hears = |one: &&mut Connection| one.follows() || (of_bus && one.follows_log());
            self.connections.iter_mut().filter(hears).for_each(|one| one.say(&event));
        }
        events.followed = self.connections.iter().any(|one| one.follows() || one.follows_log());
    }
}

/// Answers one request, or says what it asks of the supervisor.
fn answer(
    one: &mut Connection,
    request: &Value,
    fd: Option<OwnedFd>,
    (answers, log): (&dyn Answers, &Ring),
    (id, number): (&str, u64),
) -> Option<Asked> {
    match request.get("ask").and_then(Value::as_str) {
        Some("about") => one.last(&answers.about()),
        Some("follow") => {
            one.follow();
            // What it missed.
            one.say(&json!({ "event": "starting", "id": id }));
            one.say(&json!({ "event": "started", "id": id }));
        }
        Some("log") => {
            let wants = |key| request.get(key).and_then(Value::as_bool) == Some(true);
            one.log(log.lines(), wants("follow"));
            return wants("all").then_some(Asked::LogAll);
        }
        Some("stop") => match request.get("grace").map(Value::as_u64) {
            Some(None) => one.refuse("“grace” is a number of milliseconds"),
            grace => {
                // It ends with the sandbox: that is the answer that is waited for.
                one.say(&json!({ "ok": true }));
                one.stay();
                let grace = grace.flatten().map_or(GRACE, Duration::from_millis);
                return Some(Asked::Stop(grace.min(LONGEST)));
            }
        },
        Some("enter") => match fd {
            None => one.refuse("a socket must come with this request"),
            Some(fd) => {
                one.last(&json!({ "ok": true }));
                return Some(Asked::Enter(fd));
            }
        },
        Some(what) => match Ask::of(what, fd) {
            None => one.refuse("there is no such request"),
            Some(Err(why)) => one.refuse(&why),
            Some(Ok(ask)) => {
                one.wait(number);
                return Some(Asked::Network(number, ask));
            }
        },
        None => one.refuse("there is no such request"),
    }
    None
}

/// A socket in that directory, which nobody but the user can connect to.
fn listen(dir: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // By descriptor: the directory's path may be longer than the address of a socket can be.
    let path = format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd());
    let umask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = rustix::net::bind(&socket, &SocketAddrUnix::new(path)?);
    rustix::process::umask(umask);
    bound?;
    rustix::net::listen(&socket, 64)?;
    Ok(socket)
}
