//! What an app may do on the message buses: rules, and the decision that they come to.
//!
//! Plain data and pure functions. The proxy holds every message against [`Rules`]; the option table,
//! `explain` and the prompts speak of the same [`Rule`]s. Without any rule, nothing is allowed.

mod decide;
mod grammar;
mod pattern;
mod rule;
pub mod words;

use crate::options::{Kind, OPTIONS, Opt};
use serde::{Deserialize, Serialize};

pub use decide::{Decision, Rules, Subject};
pub use grammar::{is_bus_name, is_interface, is_member, is_object_path};
pub use pattern::{Filter, Method, NamePattern, PathPattern, TextPattern};
pub use rule::{Access, Rule};

/// A message bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bus {
    /// The session's.
    Session,
    /// The system's.
    System,
    /// That of screen readers and what they read; it is reached by a preset alone.
    Accessibility,
}

impl Bus {
    /// In one word: `session`, `system` or `accessibility`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::System => "system",
            Self::Accessibility => "accessibility",
        }
    }

    /// The bus of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Session, Self::System, Self::Accessibility]
            .into_iter()
            .find(|bus| bus.as_str() == text)
    }

    /// The option that lists the rules of that access on this bus; the accessibility bus has none.
    #[must_use]
    pub fn option(self, access: Access) -> Option<&'static Opt> {
        let wanted =
            |kind: &Kind| matches!(kind, Kind::BusRules(bus, of) if (*bus, *of) == (self, access));
        OPTIONS.iter().find(|option| wanted(&option.kind))
    }
}

/// The rules of every bus that an app can reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buses {
    /// On the session's bus.
    pub session: Vec<Rule>,
    /// On the system's bus.
    pub system: Vec<Rule>,
    /// On the accessibility bus; `None` where the app cannot reach that bus.
    pub accessibility: Option<Vec<Rule>>,
    /// Whether the portals are to know the app as one that is confined.
    pub portals: bool,
}
