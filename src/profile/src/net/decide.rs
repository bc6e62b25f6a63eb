//! What rules come to: for a connection, and for a name that an app asks for.
//!
//! The more exact goes first: one host, a domain, a network, a word, `*`. Of rules that are equally exact
//! those that refuse go first, then those that allow, then those that ask. The first that matches decides, and
//! the default where none does. Two things hold whatever is allowed: this computer is reached by rules for `host`
//! alone, and a name by itself leads to public addresses only, for whoever owns it says what it stands for.

use super::Verdict;
use super::address::{Class, class};
use super::ports::Protocol;
use super::rule::{Rule, Target, Tier};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The rules of an app, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// What becomes of a connection that no rule is about.
    pub default: Verdict,
    /// The rules; their order does not matter.
    pub list: Vec<Rule>,
}

/// A connection that an app begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow<'a> {
    /// Where it goes.
    pub address: IpAddr,
    /// How.
    pub protocol: Protocol,
    /// To which port; 0 for an echo request.
    pub port: u16,
    /// Whether the address stands for this computer.
    pub is_host: bool,
    /// The names for which the app was given that address.
    pub names: &'a [String],
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that decides, by its number in the list; `None` for the default.
    pub rule: Option<usize>,
}

/// What becomes of a name that an app asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameVerdict {
    /// It is looked up.
    Resolve,
    /// It is not: by that rule, or because no rule could lead to what it stands for.
    Refuse(Option<usize>),
}

/// Where a connection goes, and what can be known of that.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    address: IpAddr,
    class: Class,
    is_host: bool,
    names: &'a [String],
}

impl<'a> Place<'a> {
    pub(super) fn new(address: IpAddr, is_host: bool, names: &'a [String]) -> Self {
        Self { address: address.to_canonical(), class: class(address), is_host, names }
    }

    /// Whether a rule is about it.
    pub(super) fn is_met_by(&self, rule: &Rule) -> bool {
        match &rule.target {
            Target::Host => self.is_host,
            _ if self.is_host => false,
            Target::Everything => true,
            Target::Public => self.class == Class::Public,
            Target::Lan => self.class == Class::Lan,
            Target::Network(net) => net.contains(self.address),
            Target::Name(pattern) => {
                (self.class == Class::Public || rule.verdict == Verdict::Deny)
                    && self.names.iter().any(|name| pattern.matches(name))
            }
        }
    }
}

impl Rules {
    /// What becomes of a connection.
    #[must_use]
    pub fn decide(&self, flow: &Flow<'_>) -> Decision {
        let place = Place::new(flow.address, flow.is_host, flow.names);
        let mut first: Option<((Tier, u8), usize, Verdict)> = None;
        for (number, rule) in self.list.iter().enumerate() {
            let key = rule.key();
            let earlier = first.is_none_or(|(other, ..)| key < other);
            if earlier && rule.ports.matches(flow.protocol, flow.port) && place.is_met_by(rule) {
                first = Some((key, number, rule.verdict));
            }
        }
        match first {
            Some((_, number, verdict)) => Decision { verdict, rule: Some(number) },
            None => Decision { verdict: self.otherwise(flow.is_host), rule: None },
        }
    }

    /// The rules with how exact they are, in the order in which they decide.
    #[must_use]
    pub fn ordered(&self) -> Vec<(Tier, &Rule)> {
        let mut ordered: Vec<_> = self.list.iter().map(|rule| (rule.tier(), rule)).collect();
        ordered.sort_by_key(|(_, rule)| rule.key());
        ordered
    }

    /// Whether a name may be looked up: a rule for it says so, or one for addresses could lead to what it stands for.
    #[must_use]
    pub fn name(&self, name: &str) -> NameVerdict {
        let mut first: Option<((Tier, u8), NameVerdict)> = None;
        for (number, rule) in self.list.iter().enumerate() {
            let Target::Name(pattern) = &rule.target else { continue };
            let refuses = rule.verdict == Verdict::Deny;
            // What is refused for some ports alone may be wanted for others.
            let counts = !refuses || rule.ports.is_all();
            let earlier = first.is_none_or(|(other, _)| rule.key() < other);
            if counts && earlier && pattern.matches(name) {
                let verdict =
                    if refuses { NameVerdict::Refuse(Some(number)) } else { NameVerdict::Resolve };
                first = Some((rule.key(), verdict));
            }
        }
        match first {
            Some((_, verdict)) => verdict,
            None if self.by_address() => NameVerdict::Resolve,
            None => NameVerdict::Refuse(None),
        }
    }

    /// Whether something can be reached by its address alone, by a rule or by default.
    fn by_address(&self) -> bool {
        let address = |rule: &Rule| !matches!(rule.target, Target::Name(_));
        let gives = |rule: &Rule| address(rule) && rule.verdict != Verdict::Deny;
        let all = |rule: &Rule| rule.target == Target::Everything && rule.ports.is_all();
        let none_left = || self.list.iter().any(|rule| rule.verdict == Verdict::Deny && all(rule));
        self.list.iter().any(gives) || (self.default != Verdict::Deny && !none_left())
    }

    /// What becomes of that which no rule is about.
    pub(super) fn otherwise(&self, is_host: bool) -> Verdict {
        if is_host { Verdict::Deny } else { self.default }
    }
}
