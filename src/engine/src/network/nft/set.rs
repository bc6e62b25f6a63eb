//! Sets and their elements. What an element is, is said by the set: an address, a range of them, or a
//! flow, which is an address, a protocol and a port one after another.

use super::expression::value;
use super::message;
use super::names::{LIST_ELEM, element, message as kind, set};
use crate::network::netlink::{CREATE, Writer};
use rustix::io::Errno;
use std::net::IpAddr;
use std::time::Duration;

/// How many bytes of elements are put into one message: the list is one attribute, which can have 64
/// KiB, and an error repeats the whole message.
const CHUNK: usize = 32 * 1024;

/// One of the two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The length of an address.
    pub(crate) const fn length(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 16,
        }
    }

    pub(crate) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The kind of key that nft lists it by: `TYPE_IPADDR` and `TYPE_IP6ADDR`.
    const fn key_type(self) -> u32 {
        match self {
            Self::V4 => 7,
            Self::V6 => 8,
        }
    }
}

/// What a set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Addresses that stay, as ranges.
    Ranges,
    /// Addresses that go by themselves.
    Names,
    /// Flows that go by themselves.
    Answers,
    /// Flows that are added by a rule, and count.
    Counters,
}

/// A set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) is_for: Use,
    /// The most elements, where they are not known from the beginning.
    pub(crate) most: Option<u32>,
}

impl Set {
    /// The message that makes it. `id` is another for each set of a batch.
    pub(crate) fn add(&self, table: &str, id: u32) -> Result<Vec<u8>, Errno> {
        let mut to = message(kind::NEWSET, CREATE);
        let address = (self.family.key_type(), u32::from(self.family.length()));
        let flow = || {
            // TYPE_INET_PROTOCOL and TYPE_INET_SERVICE; each part takes whole places of four bytes.
            ((address.0 << 6 | 12) << 6 | 13, address.1 + 4 + 4)
        };
        let (flags, (key_type, key_length)) = match self.is_for {
            Use::Ranges => (set::INTERVAL, address),
            Use::Names => (set::TIMEOUT, address),
            Use::Answers => (set::TIMEOUT, flow()),
            Use::Counters => (set::EVAL, flow()),
        };
        to.text(set::TABLE, table);
        to.text(set::NAME, &self.name);
        to.be32(set::FLAGS, flags);
        to.be32(set::KEY_TYPE, key_type);
        to.be32(set::KEY_LEN, key_length);
        to.be32(set::ID, id);
        if let Some(most) = self.most {
            to.nested(set::DESC, |desc| desc.be32(set::DESC_SIZE, most));
        }
        to.finish()
    }
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    key: Vec<u8>,
    flags: u32,
    timeout: Option<Duration>,
}

impl Element {
    /// What goes after a time, or, without one, never.
    pub(crate) fn new(key: Vec<u8>, timeout: Option<Duration>) -> Self {
        Self { key, flags: 0, timeout }
    }

    /// A range: where it begins, and what comes after it, if there is anything.
    pub(crate) fn range(first: &[u8], after: Option<&[u8]>) -> impl Iterator<Item = Self> + use<> {
        let begin = Self::new(first.to_vec(), None);
        let end = after.map(|after| Self {
            key: after.to_vec(),
            flags: element::INTERVAL_END,
            timeout: None,
        });
        std::iter::once(begin).chain(end)
    }

    fn write(&self, to: &mut Writer, with_timeout: bool) {
        to.nested(LIST_ELEM, |one| {
            value(one, element::KEY, &self.key);
            if self.flags != 0 {
                one.be32(element::FLAGS, self.flags);
            }
            if let Some(timeout) = self.timeout.filter(|_| with_timeout) {
                // In milliseconds; none at all would be for ever.
                let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
                one.be64(element::TIMEOUT, millis);
            }
        });
    }

    /// What it takes at most.
    fn length(&self) -> usize {
        32 + self.key.len()
    }
}

/// The messages that add elements to a set, or remove them.
pub(crate) fn elements(
    table: &str,
    set: &str,
    elements: &[Element],
    change: Change,
) -> Result<Vec<Vec<u8>>, Errno> {
    let (kind, flags) = match change {
        Change::Add => (kind::NEWSETELEM, CREATE),
        Change::Remove => (kind::DELSETELEM, 0),
    };
    let each = elements.iter().map(Element::length).max().unwrap_or(1);
    let chunks = elements.chunks((CHUNK / each).max(1));
    chunks
        .map(|chunk| {
            let mut to = message(kind, flags);
            to.text(element::LIST_TABLE, table);
            to.text(element::LIST_SET, set);
            to.nested(element::LIST_ELEMENTS, |list| {
                chunk.iter().for_each(|one| one.write(list, change == Change::Add));
            });
            to.finish()
        })
        .collect()
}

/// What is done with elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_elements_is_never_too_long() {
        let many = vec![Element::new(vec![1; 24], Some(Duration::MAX)); 10_000];
        let messages = elements("table", "set", &many, Change::Add).unwrap();
        assert!(messages.iter().all(|message| message.len() < CHUNK + 128));
    }
}
