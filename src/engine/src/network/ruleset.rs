//! From what is allowed to the table that enforces it. A pure function: what it returns has no effect
//! until it is sent, and then at once, in the place of the table before.
//!
//! Each generation has a table of its own. For a moment both decide, and a packet passes only what it passes
//! in both; then that before is taken away ([`Retired`]).

use super::judge::Judge;
use super::nft::{self, Batch, Batches, Chain, Change, Element, Family, Set, Use};
use super::spec::{Generation, Group, LiveName, Range, Spec, To, merged};
use crate::error::{Context as _, Result};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of rules, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    pub(super) generation: Generation,
    pub(super) batches: Vec<Batch>,
    pub(super) retired: Option<Retired>,
}

/// What takes the rules before away once others count, without a packet being lost of what both let through.
/// While the kernel removes a chain, it has no rules any more and still its policy; and a set may have no
/// elements while a packet is being judged by it. So the chain first lets everything through, then it leads
/// no further packet to the sets, and when the last has gone its way it goes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retired {
    /// Without this, those before can still count alone.
    pub(super) first: Batch,
    /// Without these, they can count beside the others, and no packet passes that it should not.
    pub(super) then: [Batch; 2],
}

impl Retired {
    fn new(bases: &[Chain], generation: Generation) -> Result<Self, Errno> {
        let table = table(generation);
        let of_all = |message: fn(&Chain, &str) -> Result<Vec<u8>, Errno>| {
            let messages: Result<Vec<_>, _> =
                bases.iter().map(|chain| message(chain, &table)).collect();
            Batch::of(messages?)
        };
        let delete = Batch::of(vec![nft::delete_table(&table)?])?;
        Ok(Self { first: of_all(Chain::accept)?, then: [of_all(Chain::empty)?, delete] })
    }
}

impl Ruleset {
    /// How many bytes are sent, and in how many pieces.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.batches.iter().map(|batch| batch.bytes().len()).sum(), self.batches.len())
    }
}

/// The rules that enforce `spec`, in the place of those of the generation `before`. `names` is what
/// names lead to now; more is added later.
///
/// # Errors
/// When it is more than netlink can carry.
pub fn ruleset(spec: &Spec, names: &[LiveName], before: Option<Generation>) -> Result<Ruleset> {
    build(spec, names, before).context("the rules for the network are too long")
}

fn build(spec: &Spec, names: &[LiveName], before: Option<Generation>) -> Result<Ruleset, Errno> {
    let table = table(spec.generation);
    let mut batches = Batches::new()?;
    batches.prepare(nft::add_table(&table, true)?)?;
    for (id, (set, content)) in (1..).zip(sets(spec)) {
        batches.prepare(set.add(&table, id)?)?;
        for message in nft::elements(&table, &set.name, &content, Change::Add)? {
            batches.prepare(message)?;
        }
    }
    for message in super::live::names(spec, names)? {
        batches.prepare(message)?;
    }
    let judge = Judge(spec);
    let inner = judge.inner();
    for chain in &inner {
        batches.prepare(chain.add(&table)?)?;
    }
    for chain in &inner {
        for rule in chain.add_rules(&table) {
            batches.prepare(rule?)?;
        }
    }
    let mut last = Vec::new();
    let bases = judge.bases();
    for chain in &bases {
        last.push(chain.add(&table)?);
        for rule in chain.add_rules(&table) {
            last.push(rule?);
        }
    }
    let retired = before.map(|before| Retired::new(&bases, before)).transpose()?;
    Ok(Ruleset { generation: spec.generation, batches: batches.finish(last)?, retired })
}

/// The name of the table of a generation.
pub(super) fn table(generation: Generation) -> String {
    format!("arkose-{generation}")
}

/// The name of the set of the addresses of a group that stay.
pub(super) fn ranges_of(group: usize, family: Family) -> String {
    format!("group{group}-{}", suffix(family))
}

/// The name of the set of what the names of a group lead to.
pub(super) fn names_of(group: usize, family: Family) -> String {
    format!("names{group}-{}", suffix(family))
}

/// The name of a set of flows that were answered about.
pub(super) fn answers(allow: bool, family: Family) -> String {
    format!("{}-once-{}", if allow { "allow" } else { "deny" }, suffix(family))
}

/// The name of the set of the addresses of this computer.
pub(super) fn host(family: Family) -> String {
    format!("host-{}", suffix(family))
}

/// How what is there for each family is told apart.
pub(super) fn suffix(family: Family) -> &'static str {
    match family {
        Family::V4 => "v4",
        Family::V6 => "v6",
    }
}

/// The most flows that answers are kept for; what is not kept is asked about again.
const MOST_ANSWERS: u32 = 16384;

/// All sets, with what is in them from the beginning.
fn sets(spec: &Spec) -> Vec<(Set, Vec<Element>)> {
    let set = |name, family, is_for| Set { name, family, is_for, most: None };
    let mut sets = Vec::new();
    for family in Family::BOTH {
        for (index, group) in spec.groups.iter().enumerate() {
            if let Some(Ranges::Many(content)) = ranges(group, family) {
                sets.push((set(ranges_of(index, family), family, Use::Ranges), content));
            }
            if has_names(group) {
                sets.push((set(names_of(index, family), family, Use::Names), Vec::new()));
            }
        }
        sets.push((set(host(family), family, Use::Ranges), host_ranges(spec, family)));
        for allow in [true, false] {
            let set = set(answers(allow, family), family, Use::Answers);
            sets.push((Set { most: Some(MOST_ANSWERS), ..set }, Vec::new()));
        }
    }
    sets
}

/// Whether names lead into a group.
pub(super) fn has_names(group: &Group) -> bool {
    matches!(&group.to, To::These { names, .. } if !names.is_empty())
}

/// The addresses of a group that stay.
pub(super) enum Ranges {
    /// One range, by the first and the last: for it, no set is worth its place.
    One(Vec<u8>, Vec<u8>),
    /// Several, as the elements of a set.
    Many(Vec<Element>),
}

/// The addresses of a group that stay, if it has any of that family.
pub(super) fn ranges(group: &Group, family: Family) -> Option<Ranges> {
    match (&group.to, family) {
        (To::Everybody, _) => None,
        (To::These { v4, .. }, Family::V4) => match *merged4(v4.iter().copied()) {
            [] => None,
            [(first, last)] => {
                Some(Ranges::One(first.to_be_bytes().into(), last.to_be_bytes().into()))
            }
            ref many => Some(Ranges::Many(elements4(many))),
        },
        (To::These { v6, .. }, Family::V6) => match *merged6(v6.iter().copied()) {
            [] => None,
            [(first, last)] => {
                Some(Ranges::One(first.to_be_bytes().into(), last.to_be_bytes().into()))
            }
            ref many => Some(Ranges::Many(elements6(many))),
        },
    }
}

fn host_ranges(spec: &Spec, family: Family) -> Vec<Element> {
    let host = spec.host.iter();
    match family {
        Family::V4 => elements4(&merged4(host.filter_map(|one| match one {
            IpAddr::V4(one) => Some((*one, *one)),
            IpAddr::V6(_) => None,
        }))),
        Family::V6 => elements6(&merged6(host.filter_map(|one| match one {
            IpAddr::V4(_) => None,
            IpAddr::V6(one) => Some((*one, *one)),
        }))),
    }
}

fn merged4(ranges: impl Iterator<Item = Range<Ipv4Addr>>) -> Vec<Range<u32>> {
    merged(ranges.map(|(first, last)| (first.to_bits(), last.to_bits())))
}

fn merged6(ranges: impl Iterator<Item = Range<Ipv6Addr>>) -> Vec<Range<u128>> {
    merged(ranges.map(|(first, last)| (first.to_bits(), last.to_bits())))
}

fn elements4(ranges: &[Range<u32>]) -> Vec<Element> {
    let element = |(first, last): &Range<u32>| {
        let after = last.checked_add(1).map(u32::to_be_bytes);
        Element::range(&first.to_be_bytes(), after.as_ref().map(<[u8; 4]>::as_slice))
    };
    ranges.iter().flat_map(element).collect()
}

fn elements6(ranges: &[Range<u128>]) -> Vec<Element> {
    let element = |(first, last): &Range<u128>| {
        let after = last.checked_add(1).map(u128::to_be_bytes);
        Element::range(&first.to_be_bytes(), after.as_ref().map(<[u8; 16]>::as_slice))
    };
    ranges.iter().flat_map(element).collect()
}
