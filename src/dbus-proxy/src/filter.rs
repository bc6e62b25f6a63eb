//! What becomes of one message: of the app's in `outgoing`, of the bus's in `incoming`, and of calls
//! to the bus itself in `driver`.
//!
//! A filter belongs to one connection. It remembers which calls wait for a reply, so that a reply is
//! one to a call that was made, and who owns which names, so that a unique name is judged by them.

mod asked;
mod driver;
mod incoming;
mod matches;
mod names;
mod outgoing;
mod refusal;

use crate::ask::{Asks, Number};
use crate::events::Events;
use crate::fault::Fault;
use crate::fields::Header;
use crate::grammar::{BUS, is_unique};
use crate::peers::Peers;
use arkose_profile::bus::{Access, NamePattern, Rule, Rules, Subject};
use matches::Matches;
use std::collections::HashMap;
use std::rc::Rc;

/// The most calls of one connection that wait for a reply.
const MOST_CALLS: usize = 8 << 10;
/// The most bytes of a first argument that rules look at.
const LONGEST_ARGUMENT: usize = 16 << 10;

/// What is allowed on one bus.
#[derive(Debug)]
pub struct Policy {
    /// `session`, `system` or `accessibility`.
    pub bus: String,
    /// The rules.
    pub rules: Rules,
    /// Whether the coming and going of unique names is told of all.
    pub sloppy_names: bool,
}

impl Policy {
    /// Whether all names have to be known: what is refused or asked about under one name is not to be
    /// had under another that only a rule for all is about.
    fn needs_all(&self) -> bool {
        let all = |rule: &Rule| rule.name == NamePattern::Any;
        let takes = |rule: &Rule| matches!(rule.access, Access::Deny | Access::Ask);
        self.rules.iter().any(all) && self.rules.iter().any(|rule| takes(rule) && !all(rule))
    }

    /// Whether it has to be known who owns that name.
    fn is_named(&self, name: &str) -> bool {
        self.needs_all()
            || self
                .rules
                .iter()
                .any(|rule| rule.name != NamePattern::Any && rule.name.matches(name))
    }
}

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    /// What is told.
    pub events: Events,
    /// What is asked.
    pub asks: Asks,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes through as it is.
    Pass,
    /// It does not.
    Drop,
    /// This goes through instead.
    Replace(Vec<u8>),
    /// It does not, and its sender is told this.
    Answer(Vec<u8>),
    /// It cannot be said before so many bytes of it are here.
    Need(usize),
    /// It cannot be said before the bus has answered what the proxy asked.
    Wait,
    /// It waits for the answer to that question.
    Hold(Number),
    /// It goes through, and these go back where it came from.
    Begin(Vec<Vec<u8>>),
    /// It does not go through, and these go back where it came from.
    Follow(Vec<Vec<u8>>),
}

/// What a reply of the bus's side is waited for.
#[derive(Debug)]
enum Awaited {
    /// A call of the app; whom it was for unless that was the bus itself, and who that was then.
    App(Option<Callee>),
    /// The app's first.
    Hello,
    /// A list of names, of which the app sees some.
    Names,
    /// A call of the app that waits for an answer of the person's.
    Held,
    /// A list of names, for the proxy.
    OwnNames,
    /// The owner of that name, for the proxy.
    OwnOwner(String),
    /// That the proxy hears of the coming and going of a name.
    OwnWatch,
    /// Nothing that the app waits for, but the bus answers it.
    Nothing,
}

/// Whom a call was for. A session's bus hands out replies of anybody.
#[derive(Debug)]
struct Callee {
    name: Box<str>,
    owner: Option<Box<str>>,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Filter {
    policy: Rc<Policy>,
    /// The app's unique name.
    unique: Option<String>,
    greeted: bool,
    calls: HashMap<u32, Awaited>,
    peers: Peers,
    matches: Matches,
    /// How many of the proxy's own calls have no reply.
    unsynced: usize,
    /// The serial of the proxy's last call; counts down, as apps count up.
    own_serial: u32,
    /// That of its last reply.
    answer_serial: u32,
    /// What waits for answers of the person's.
    held_bytes: usize,
    held_calls: usize,
}

impl Filter {
    /// For a connection that begins.
    #[must_use]
    pub fn new(policy: Rc<Policy>) -> Self {
        Self {
            policy,
            unique: None,
            greeted: false,
            calls: HashMap::new(),
            peers: Peers::default(),
            matches: Matches::default(),
            unsynced: 0,
            own_serial: u32::MAX,
            answer_serial: 0,
            held_bytes: 0,
            held_calls: 0,
        }
    }

    /// Which bus this is.
    #[must_use]
    pub fn bus(&self) -> &str {
        &self.policy.bus
    }

    /// Whether the app is known to the bus.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.unique.is_some()
    }

    /// Whether all is known that the app's messages are judged by.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.unsynced == 0 && self.unique.is_some()
    }

    /// Whose reply to a call is one.
    fn callee(&self, destination: &str) -> Option<Callee> {
        let owner = match is_unique(destination) {
            true => Some(destination),
            false => self.peers.owner(destination),
        };
        Some(Callee { name: destination.into(), owner: owner.map(Into::into) })
    }

    /// Whether a reply comes from whom the call was for: who had the name then, or has it now.
    fn is_by(&self, callee: &Callee, sender: &str) -> bool {
        let now = self.peers.owner(&callee.name);
        // Nothing is known of names that only a rule for all is about.
        let unknown =
            now.is_none() && callee.owner.is_none() && !self.policy.is_named(&callee.name);
        unknown || callee.owner.as_deref() == Some(sender) || now == Some(sender)
    }

    /// Lets a call through, and its reply back.
    fn pass(&mut self, header: &Header<'_>, awaited: Awaited) -> Verdict {
        if !header.frame.wants_reply() {
            return Verdict::Pass;
        }
        if self.calls.len() >= MOST_CALLS {
            return self.too_many_calls(header);
        }
        self.calls.insert(header.frame.serial, awaited);
        Verdict::Pass
    }

    /// Whether the app may know of a name.
    fn sees(&self, name: &str) -> bool {
        name == BUS
            || self.unique.as_deref() == Some(name)
            || if is_unique(name) {
                self.peers.is_visible(name) || self.policy.rules.sees(self.peers.names(name))
            } else {
                self.policy.rules.sees(std::iter::once(name))
            }
    }
}

/// What rules and people are told of a message.
fn told<'a>(header: &Header<'a>, message: &'a [u8]) -> Subject<'a> {
    Subject {
        path: header.path.unwrap_or_default(),
        interface: header.interface,
        member: header.member.unwrap_or_default(),
        arg0: argument(header, message).ok().and_then(Result::ok).flatten(),
    }
}

/// The first argument if it is a text, at most the beginning of it; or how many bytes of the message
/// that takes.
fn argument<'a>(
    header: &Header<'_>,
    message: &'a [u8],
) -> Result<Result<Option<&'a str>, usize>, Fault> {
    if !header.signature.starts_with('s') {
        return Ok(Ok(None));
    }
    let start = header.frame.header + 4;
    if header.frame.total < start {
        return Err(Fault::Body);
    }
    let Some(length) = message.get(header.frame.header..).and_then(|body| body.first_chunk::<4>())
    else {
        return Ok(Err(start));
    };
    let length = header.frame.order.u32(*length) as usize;
    if length >= header.frame.total.saturating_sub(start) {
        return Err(Fault::Body);
    }
    let seen = length.min(LONGEST_ARGUMENT);
    let Some(bytes) = message.get(start..start + seen) else { return Ok(Err(start + seen)) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Ok(Some(text))),
        // Only cut within a character.
        Err(error) if error.error_len().is_none() && seen < length => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Ok(Ok(std::str::from_utf8(valid).ok()))
        }
        Err(_) => Err(Fault::Text),
    }
}
