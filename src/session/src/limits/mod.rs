//! The limits of one sandbox on the user's side: what enforces them, and what is said when one of
//! them was met.
//!
//! Where systemd runs, its user manager gives a control group; elsewhere the engine finds one, or
//! refuses.

mod manager;
mod scope;

use crate::error::{Error, Kind};
use crate::host::Host;
use crate::spec::LaunchSpec;
use arkose_engine::limits::{Group, Own};
use arkose_profile::Limits;
use arkose_profile::explain::human_size;
use arkose_protocol::{Status, Struck};
use std::io::ErrorKind;
use std::os::fd::{BorrowedFd, OwnedFd};

/// A limit that can be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `limits.memory`.
    Memory,
    /// `limits.processes`.
    Processes,
}

impl Limit {
    /// For programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Limit::Memory => "memory",
            Limit::Processes => "processes",
        }
    }
}

/// What holds the limits of one sandbox.
#[derive(Debug)]
pub(crate) struct Limited {
    limits: Limits,
    /// Of systemd's, in a scope that goes with this process.
    scope: Option<Group>,
    /// Made by the engine in this process.
    own: Option<Own>,
    note: fn(&Error),
}

impl Limited {
    /// Asks systemd for a control group, if there is something to limit.
    ///
    /// # Errors
    /// When that is given up because `stop` is readable.
    pub(crate) fn prepare(
        spec: &LaunchSpec,
        host: &Host,
        id: &str,
        stop: BorrowedFd<'_>,
    ) -> Result<Self, Error> {
        let limits = spec.policy.limits;
        // Without one the engine looks for another way, and says what is missing.
        let scope = match limits.any().then(|| scope::make(limits, host, id, stop)) {
            Some(Err(error)) if error.kind() == ErrorKind::ConnectionAborted => {
                return Err(Error::new(Kind::GivenUp));
            }
            made => made.and_then(Result::ok),
        };
        Ok(Self { limits, scope, own: None, note: spec.note })
    }

    /// The directory of the group that enforces the limits, if there is one already.
    pub(crate) fn born_in(&self) -> Option<&OwnedFd> {
        self.scope.as_ref().and_then(Group::born_in)
    }

    /// Takes the group that was made for the sandbox; it is removed with this.
    pub(crate) fn made(&mut self, own: Option<Own>) {
        self.own = own;
    }

    /// Tells the user.
    pub(crate) fn say(&self, words: &Error) {
        (self.note)(words);
    }

    fn group(&self) -> Option<&Group> {
        self.scope.as_ref().or(self.own.as_ref().map(Own::group))
    }

    /// Which limits were met, once the sandbox has ended, and how high they were; `told` is what the
    /// helper has said of the group that it made.
    pub(crate) fn met(&self, told: Struck) -> Vec<(Limit, u64)> {
        let seen = self.group().map(Group::struck).unwrap_or_default();
        let mut met = Vec::new();
        if seen.memory || told.memory {
            met.push((Limit::Memory, self.limits.memory));
        }
        if seen.processes || told.processes {
            met.push((Limit::Processes, u64::from(self.limits.processes)));
        }
        met
    }
}

/// Whether the user's systemd manager can be asked for a control group.
pub(crate) fn has_systemd(host: &Host) -> bool {
    scope::is_booted() && manager::socket(&host.runtime()).exists()
}

/// Why the app went without something, in a sentence; `status` is how it ended.
pub(crate) fn last_words((limit, value): (Limit, u64), status: Option<Status>) -> Error {
    // A shell passes on how what it ran has ended.
    let killed = status.is_none_or(|status| status.code() == 128 + 9);
    match limit {
        Limit::Memory if killed => Error::new(Kind::OutOfMemory).value(human_size(value)),
        Limit::Memory => Error::new(Kind::ShortOfMemory).value(human_size(value)),
        Limit::Processes => Error::new(Kind::TooManyProcesses).value(value.to_string()),
    }
}
