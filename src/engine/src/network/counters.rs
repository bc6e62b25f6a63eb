//! How much went where: a table of its own, which stays when rules are replaced, and only sees what
//! they let pass.

use super::judge::{key, loopback, of_family};
use super::netlink::{Attributes, be16, be64};
use super::nft::{
    self, Batch, Chain, ELEMENTS, Expression, FAMILY_HEADER, Family, Hook, Meta, Policy, Register,
    Set, Use, element, expr,
};
use super::ruleset::suffix;
use super::socket::Netlink;
use super::spec::{number, protocol};
use crate::error::{Context as _, Result};
use arkose_profile::net::Protocol;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

const TABLE: &str = "arkose-count";

/// After the rules, which come at zero.
const PRIORITY: i32 = 10;

/// The most destinations of a family that are counted; what goes to more is not. Each takes some 200 bytes
/// of the kernel's memory.
const MOST: u32 = 16384;

/// What went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Their bytes, with the headers of IP.
    pub bytes: u64,
}

/// What went to and came from one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowCount {
    /// Where.
    pub address: IpAddr,
    /// By which protocol.
    pub protocol: Protocol,
    /// To which port; 0 for an echo.
    pub port: u16,
    /// What the app sent.
    pub sent: Count,
    /// What it received.
    pub received: Count,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
}

impl Way {
    const BOTH: [Self; 2] = [Self::Sent, Self::Received];

    fn set(self, family: Family) -> String {
        let way = if self == Self::Sent { "sent" } else { "received" };
        format!("{way}-{}", suffix(family))
    }
}

/// What begins to count, once, before anything is sent.
///
/// # Errors
/// When the kernel's format cannot carry it, which it can.
pub fn accounting() -> Result<Batch> {
    build().context("what the app sends cannot be counted")
}

fn build() -> Result<Batch, Errno> {
    // Twice, it would count twice.
    let mut messages = vec![nft::add_table(TABLE, true)?];
    let sets = Way::BOTH.iter().flat_map(|way| Family::BOTH.map(|family| (*way, family)));
    for (id, (way, family)) in (1..).zip(sets) {
        let set = Set { name: way.set(family), family, is_for: Use::Counters, most: Some(MOST) };
        messages.push(set.add(TABLE, id)?);
    }
    for way in Way::BOTH {
        let chain = chain(way);
        messages.push(chain.add(TABLE)?);
        for rule in chain.add_rules(TABLE) {
            messages.push(rule?);
        }
    }
    Batch::of(messages)
}

fn chain(way: Way) -> Chain {
    let (name, hook, interface) = match way {
        Way::Sent => ("output", Hook::Output, Meta::OutputInterface),
        Way::Received => ("input", Hook::Input, Meta::InputInterface),
    };
    let inside = loopback(interface).into_iter().chain([Expression::Accept]).collect();
    let count = |family| {
        let count = Expression::CountIn(Register::FIRST, way.set(family));
        of_family(family).into_iter().chain(key(family)).chain([count]).collect()
    };
    let rules = [inside].into_iter().chain(Family::BOTH.map(count)).collect();
    Chain { base: Some((hook, PRIORITY, Policy::Accept)), rules, ..Chain::new(name) }
}

/// Reads all counters.
pub(super) fn read<Fd: AsFd>(socket: &Netlink<Fd>) -> Result<Vec<FlowCount>> {
    let message = "what the app sent cannot be read";
    let mut flows: BTreeMap<(IpAddr, u8, u16), FlowCount> = BTreeMap::new();
    for way in Way::BOTH {
        for family in Family::BOTH {
            let request = nft::list_elements(TABLE, &way.set(family)).context(message)?;
            let list = socket.dump(&request, |message, list| {
                if message.kind == ELEMENTS
                    && let Some((_, attributes)) = message.split(FAMILY_HEADER)
                {
                    list.extend(elements(attributes, family));
                }
            });
            for ((address, protocol, port), count) in list.context(message)? {
                let none = Count::default();
                let key = (address, number(protocol, address.is_ipv6()), port);
                let flow = flows.entry(key).or_insert(FlowCount {
                    address,
                    protocol,
                    port,
                    sent: none,
                    received: none,
                });
                match way {
                    Way::Sent => flow.sent = count,
                    Way::Received => flow.received = count,
                }
            }
        }
    }
    Ok(flows.into_values().collect())
}

type Counted = ((IpAddr, Protocol, u16), Count);

/// The elements of one message.
fn elements(attributes: Attributes<'_>, family: Family) -> impl Iterator<Item = Counted> {
    let list = attributes.inside(element::LIST_ELEMENTS).unwrap_or(Attributes(&[]));
    list.filter_map(move |(_, one)| {
        let one = Attributes(one);
        let key = one.inside(element::KEY)?.get(nft::VALUE)?;
        // Newer kernels may have several expressions with an element.
        let counter = one.inside(element::EXPR).or_else(|| {
            one.inside(element::EXPRESSIONS)?.next().map(|(_, first)| Attributes(first))
        })?;
        let counter = counter.inside(expr::DATA)?;
        let packets = counter.get(expr::COUNTER_PACKETS).and_then(be64)?;
        let bytes = counter.get(expr::COUNTER_BYTES).and_then(be64)?;
        Some((flow(key, family)?, Count { packets, bytes }))
    })
}

/// What a flow is known by: the address, the protocol and the port, each in whole places of four bytes.
fn flow(key: &[u8], family: Family) -> Option<(IpAddr, Protocol, u16)> {
    let (address, rest) = match family {
        Family::V4 => {
            let (bytes, rest) = key.split_first_chunk::<4>()?;
            (IpAddr::V4(Ipv4Addr::from_octets(*bytes)), rest)
        }
        Family::V6 => {
            let (bytes, rest) = key.split_first_chunk::<16>()?;
            (IpAddr::V6(Ipv6Addr::from_octets(*bytes)), rest)
        }
    };
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let protocol = protocol(*number.first()?)?;
    let port = be16(rest)?;
    Some((address, protocol, if protocol.has_ports() { port } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::netlink::{Messages, Writer};

    #[test]
    fn what_flows_are_known_by_is_read() {
        let key = [192, 0, 2, 1, 6, 0, 0, 0, 1, 187, 0, 0];
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(flow(&key, Family::V4), Some((address, Protocol::Tcp, 443)));
        let echo = [192, 0, 2, 1, 1, 0, 0, 0, 8, 0, 0, 0];
        assert_eq!(flow(&echo, Family::V4), Some((address, Protocol::Icmp, 0)));
        for length in 0..12 {
            assert_eq!(flow(&key[..length.min(9)], Family::V4), None);
        }
        assert_eq!(flow(&key, Family::V6), None);
    }

    /// What a list of one element looks like.
    fn listed(several: bool) -> Vec<u8> {
        let mut to = Writer::new(ELEMENTS, 0, &[1, 0, 0, 0]);
        to.nested(element::LIST_ELEMENTS, |list| {
            list.nested(1, |one| {
                one.nested(element::KEY, |key| {
                    key.bytes(nft::VALUE, &[192, 0, 2, 1, 17, 0, 0, 0, 0, 53, 0, 0]);
                });
                let counter = |to: &mut Writer| {
                    to.text(expr::NAME, "counter");
                    to.nested(expr::DATA, |data| {
                        data.be64(expr::COUNTER_BYTES, 1200);
                        data.be64(expr::COUNTER_PACKETS, 12);
                    });
                };
                if several {
                    one.nested(element::EXPRESSIONS, |all| all.nested(1, counter));
                } else {
                    one.nested(element::EXPR, counter);
                }
            });
        });
        to.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Vec<Counted> {
        let split = Messages(bytes).filter_map(|message| message.split(FAMILY_HEADER));
        split.flat_map(|(_, attributes)| elements(attributes, Family::V4)).collect()
    }

    #[test]
    fn counters_are_read_and_what_makes_no_sense_is_left_out() {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for whole in [listed(false), listed(true)] {
            let count = Count { packets: 12, bytes: 1200 };
            assert_eq!(read(&whole), [((address, Protocol::Udp, 53), count)]);
            for at in 0..whole.len() {
                let _ = read(&whole[..at]);
                for value in 0..=u8::MAX {
                    let mut other = whole.clone();
                    other[at] = value;
                    assert!(read(&other).len() < 2);
                }
            }
        }
    }
}
