//! What is added while rules count: what names lead to, and what was answered about a flow. It goes
//! by itself, and with the generation that it was added to.

use super::nft::{self, Batch, Change, Element, Family};
use super::ruleset::{answers, names_of, table};
use super::spec::{Answer, Generation, LiveName, Spec, kept_port, number};
use crate::error::{Context as _, Result};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Elements by the set that they are to be in, each with its time.
type Sets = BTreeMap<String, BTreeMap<Vec<u8>, Duration>>;

/// What adds addresses to the groups of their names. Those that are there stay for the new time, which may
/// be a shorter one.
/// `None` when there is nothing to add.
///
/// # Errors
/// When it is more than netlink can carry.
pub fn add_names(spec: &Spec, live: &[LiveName]) -> Result<Option<Batch>> {
    let message = "there are too many addresses of names";
    let messages = names(spec, live).context(message)?;
    if messages.is_empty() {
        return Ok(None);
    }
    Batch::of(messages).context(message).map(Some)
}

/// The messages for that. An address that may not be in its group is left out.
pub(super) fn names(spec: &Spec, live: &[LiveName]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut sets = Sets::new();
    for one in live.iter().filter(|one| spec.may_be(one)) {
        let address = one.address.to_canonical();
        let set = sets.entry(names_of(one.group, Family::of(address))).or_default();
        let time = set.entry(octets(address)).or_default();
        *time = one.time.max(*time);
    }
    renew(&table(spec.generation), &sets)
}

/// What makes an answer count for further flows of the same kind. It counts only where rules would
/// ask.
///
/// # Errors
/// When the kernel's format cannot carry it, which it can.
pub fn add_answer(generation: Generation, answer: &Answer) -> Result<Batch> {
    answered(generation, answer).context("the answer cannot be told to the kernel")
}

fn answered(generation: Generation, answer: &Answer) -> Result<Batch, Errno> {
    let address = answer.address.to_canonical();
    let (family, v6) = (Family::of(address), address.is_ipv6());
    let mut key = octets(address);
    key.extend([number(answer.protocol, v6), 0, 0, 0]);
    key.extend(kept_port(answer.protocol, v6, answer.port).to_be_bytes());
    key.extend([0, 0]);
    let table = table(generation);
    // The answer before, which may have been the other one.
    let other = Element::new(key.clone(), Some(answer.time));
    let mut messages = Vec::new();
    for change in [Change::Add, Change::Remove] {
        let set = answers(!answer.allow, family);
        messages.extend(nft::elements(&table, &set, std::slice::from_ref(&other), change)?);
    }
    let set = BTreeMap::from([(key, answer.time)]);
    messages.extend(renew(&table, &Sets::from([(answers(answer.allow, family), set)]))?);
    Batch::of(messages)
}

/// The messages that put elements into sets with a new time. Before 6.12, Linux keeps the time of what is
/// there already, and none removes what is not; so each is added, removed and added, which has effect at
/// once.
fn renew(table: &str, sets: &Sets) -> Result<Vec<Vec<u8>>, Errno> {
    let mut messages = Vec::new();
    for (set, elements) in sets {
        let elements: Vec<_> =
            elements.iter().map(|(key, time)| Element::new(key.clone(), Some(*time))).collect();
        for change in [Change::Add, Change::Remove, Change::Add] {
            messages.extend(nft::elements(table, set, &elements, change)?);
        }
    }
    Ok(messages)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(one) => one.octets().to_vec(),
        IpAddr::V6(one) => one.octets().to_vec(),
    }
}
