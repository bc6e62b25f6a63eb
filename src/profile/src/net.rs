//! What an app may reach over the network: rules, and the decision that they come to.
//!
//! Plain data and pure functions, without a system call. The engine makes its sets of [`Rules`], the
//! resolver asks them about names, and the option table, `explain` and the prompts speak of the same
//! [`Rule`]s. Without any rule, nothing is reached.

mod address;
mod change;
mod decide;
mod name;
mod ports;
mod reach;
mod rule;
#[cfg(test)]
mod tests;
mod zone;

use crate::options::{Kind, OPTIONS, Opt};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use address::{Class, IpNet, LAN4, LAN6, SPECIAL4, SPECIAL6, class};
pub use change::{Change, MOST_RULES, Unchanged};
pub use decide::{Decision, Flow, NameVerdict, Rules};
pub use name::{NamePattern, canonical_name};
pub use ports::{Ports, Protocol};
pub use rule::{Rule, Target, Tier};
pub use zone::{Bridge, OwnAddress, Zone};

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It goes through.
    Allow,
    /// It is refused.
    #[default]
    Deny,
    /// The person is asked.
    Ask,
}

impl Verdict {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Ask];

    /// As written in a profile.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
        }
    }

    /// The verdict written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }

    /// The option that lists the rules of this verdict.
    #[must_use]
    pub fn option(self) -> Option<&'static Opt> {
        let wanted = |kind: &Kind| matches!(kind, Kind::NetworkRules(of) if *of == self);
        OPTIONS.iter().find(|option| wanted(&option.kind))
    }

    /// Which goes first of rules that are equally exact.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Deny => 0,
            Self::Allow => 1,
            Self::Ask => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
