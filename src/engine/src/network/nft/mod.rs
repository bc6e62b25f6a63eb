//! nftables: tables, chains, rules and sets as plain data, and the messages that make them. Nothing
//! here knows what is allowed, and nothing sends anything.

mod batch;
mod expression;
mod names;
mod set;

pub use batch::Batch;
pub(crate) use batch::{BATCH, Batches};
pub(crate) use expression::{Expression, Flow, Header, Is, Meta, Register};
pub(crate) use names::{data::VALUE, element, expr};
pub(crate) use set::{Change, Element, Family, Set, Use, elements};

use super::netlink::{APPEND, CREATE, DUMP, EXCLUSIVE, REQUEST, Writer};
use names::{INET, SUBSYSTEM, TABLE_NAME, chain, message as kind, rule};
use rustix::io::Errno;

/// Where packets are looked at (`enum nf_inet_hooks`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Input = 1,
    Forward = 2,
    Output = 3,
}

/// What becomes of a packet that no rule decided about: `NF_DROP` and `NF_ACCEPT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Drop = 0,
    Accept = 1,
}

/// A chain, which is entered from another, or by all packets that come to a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) name: String,
    /// Where, at which place among all that is there, and what becomes of the rest.
    pub(crate) base: Option<(Hook, i32, Policy)>,
    pub(crate) rules: Vec<Vec<Expression>>,
}

impl Chain {
    /// One that is entered from another.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), base: None, rules: Vec::new() }
    }

    /// The message that makes it, without its rules.
    pub(crate) fn add(&self, table: &str) -> Result<Vec<u8>, Errno> {
        let mut to = message(kind::NEWCHAIN, CREATE);
        to.text(chain::TABLE, table);
        to.text(chain::NAME, &self.name);
        if let Some((hook, priority, policy)) = self.base {
            to.nested(chain::HOOK, |place| {
                place.be32(chain::HOOKNUM, hook as u32);
                place.be32(chain::PRIORITY, priority.cast_unsigned());
            });
            to.be32(chain::POLICY, policy as u32);
            to.text(chain::TYPE, "filter");
        }
        to.finish()
    }

    /// The message by which one that is there lets through what no rule decides about.
    pub(crate) fn accept(&self, table: &str) -> Result<Vec<u8>, Errno> {
        let mut to = message(kind::NEWCHAIN, 0);
        to.text(chain::TABLE, table);
        to.text(chain::NAME, &self.name);
        to.be32(chain::POLICY, Policy::Accept as u32);
        to.finish()
    }

    /// The message that removes all of its rules.
    pub(crate) fn empty(&self, table: &str) -> Result<Vec<u8>, Errno> {
        let mut to = message(kind::DELRULE, 0);
        to.text(rule::TABLE, table);
        to.text(rule::CHAIN, &self.name);
        to.finish()
    }

    /// The messages that make its rules; every chain that they lead to must be there.
    pub(crate) fn add_rules(&self, table: &str) -> impl Iterator<Item = Result<Vec<u8>, Errno>> {
        self.rules.iter().map(move |expressions| {
            let mut to = message(kind::NEWRULE, CREATE | APPEND);
            to.text(rule::TABLE, table);
            to.text(rule::CHAIN, &self.name);
            to.nested(rule::EXPRESSIONS, |list| {
                expressions.iter().for_each(|expression| expression.write(list));
            });
            to.finish()
        })
    }
}

/// The message that makes a table. One that is there already is an error where it must be `new`.
pub(crate) fn add_table(name: &str, new: bool) -> Result<Vec<u8>, Errno> {
    table(kind::NEWTABLE, if new { CREATE | EXCLUSIVE } else { CREATE }, name)
}

/// The message that removes a table with all that is in it.
pub(crate) fn delete_table(name: &str) -> Result<Vec<u8>, Errno> {
    table(kind::DELTABLE, 0, name)
}

fn table(kind: u16, flags: u16, name: &str) -> Result<Vec<u8>, Errno> {
    let mut to = message(kind, flags);
    to.text(TABLE_NAME, name);
    to.finish()
}

/// The message that asks for all elements of a set.
pub(crate) fn list_elements(table: &str, set: &str) -> Result<Vec<u8>, Errno> {
    let mut to = message(kind::GETSETELEM, DUMP);
    to.text(element::LIST_TABLE, table);
    to.text(element::LIST_SET, set);
    to.finish()
}

/// The type of a message that lists elements.
pub(crate) const ELEMENTS: u16 = SUBSYSTEM | kind::NEWSETELEM;

/// The length of `nfgenmsg`, which each message of netfilter begins with: the family, a version, and a
/// number that means something to a few of them.
pub(crate) const FAMILY_HEADER: usize = 4;

fn message(kind: u16, flags: u16) -> Writer {
    Writer::new(SUBSYSTEM | kind, REQUEST | flags, &[INET, 0, 0, 0])
}
