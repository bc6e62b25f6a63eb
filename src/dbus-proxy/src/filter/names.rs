//! By which names a call is judged.

use super::Filter;
use crate::grammar::is_unique;
use arkose_profile::bus::{Decision, Rules, Subject};

/// By which of a peer's names it is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names {
    /// It was called by its unique name.
    Peer,
    /// It was called by a well-known name.
    Name,
}

impl Names {
    /// For a call to that name.
    pub(super) fn called(destination: &str) -> Self {
        if is_unique(destination) { Self::Peer } else { Self::Name }
    }

    pub(super) fn of<'r>(
        self,
        rules: &'r Rules,
        filter: &Filter,
        destination: &str,
        subject: &Subject<'_>,
    ) -> Decision<'r> {
        match self {
            Self::Peer => rules.call(filter.peers.names(destination), subject),
            Self::Name => {
                let decision = rules.call(std::iter::once(destination), subject);
                let Some(owner) = filter.peers.owner(destination) else { return decision };
                // What is refused under one of its names is refused under all, and so is it asked.
                match (decision, rules.call(filter.peers.names(owner), subject)) {
                    (_, denied @ Decision::Deny(Some(_))) => denied,
                    (Decision::Allow(_), asked @ Decision::Ask(_)) => asked,
                    (decision, _) => decision,
                }
            }
        }
    }
}
