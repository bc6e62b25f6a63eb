//! What is allowed, as the kernel is told it: groups of addresses in the order in which they decide,
//! made of the rules of a policy. Plain data, and nothing here touches the kernel.

use arkose_profile::net::{
    Class, IpNet, LAN4, LAN6, NamePattern, Ports, Protocol, Rules, SPECIAL4, SPECIAL6, Target,
    Tier, Verdict, Zone, class,
};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

/// The first and the last address of a range.
pub type Range<A> = (A, A);

/// Whom a group is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Whoever the groups before it were not about.
    Everybody,
    /// These; ranges may overlap and stand in any order.
    These {
        /// Addresses of IPv4.
        v4: Vec<Range<Ipv4Addr>>,
        /// Addresses of IPv6.
        v6: Vec<Range<Ipv6Addr>>,
        /// Names, whose addresses come and go.
        names: Vec<NamePattern>,
    },
}

/// Flows about which the same is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What.
    pub verdict: Verdict,
    /// Which flows to them.
    pub ports: Ports,
    /// Whom it is about.
    pub to: To,
}

/// The number of a set of rules. Each has a higher one than that before, because flows that were
/// allowed are known by it.
pub type Generation = NonZeroU32;

/// All that is allowed, asked about and denied. Of groups, the first that a flow belongs to decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The number of this set of rules.
    pub generation: Generation,
    /// What becomes of flows that belong to no group.
    pub default: Verdict,
    /// The groups.
    pub groups: Vec<Group>,
    /// The addresses by which this computer is reached.
    pub host: Vec<IpAddr>,
    /// What it takes to be on a link with others.
    pub link: OnLink,
    /// What becomes of flows to those, for which no group counts; what is in none of these is denied.
    pub host_groups: Vec<(Verdict, Ports)>,
}

/// What it takes to be on a link with others; nothing where there is nobody but a router of the app's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnLink {
    /// That packets leave with addresses of the app's alone, since nobody on the way would ask.
    pub own_sender: bool,
}

impl OnLink {
    /// What it takes in a zone, if the app is in one.
    #[must_use]
    pub fn of(zone: Option<&Zone>) -> Self {
        Self { own_sender: zone.is_some() }
    }
}

/// An address that a name leads to for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveName {
    /// Which group the name is in: its place among `groups`.
    pub group: usize,
    /// The address.
    pub address: IpAddr,
    /// For how long.
    pub time: Duration,
}

/// What was answered about a flow that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes.
    pub address: IpAddr,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its port; an echo has none.
    pub port: u16,
    /// Whether it may.
    pub allow: bool,
    /// For how long the answer holds for further flows of the same kind.
    pub time: Duration,
}

impl Spec {
    /// What rules come to. `host` are the addresses by which this computer is reached.
    #[must_use]
    pub fn new(rules: &Rules, host: &[IpAddr], generation: Generation) -> Self {
        let host = host.iter().map(IpAddr::to_canonical).collect();
        let (groups, host_groups, link) = (Vec::new(), Vec::new(), OnLink::default());
        let mut spec = Self { generation, default: rules.default, groups, host, link, host_groups };
        // What is equally exact and comes to the same is one group.
        let mut places: HashMap<(Tier, Verdict, Ports), usize> = HashMap::new();
        for (tier, rule) in rules.ordered() {
            if rule.target == Target::Host {
                spec.host_groups.push((rule.verdict, rule.ports));
                continue;
            }
            let place = *places.entry((tier, rule.verdict, rule.ports)).or_insert_with(|| {
                let to = To::These { v4: Vec::new(), v6: Vec::new(), names: Vec::new() };
                spec.groups.push(Group { verdict: rule.verdict, ports: rule.ports, to });
                spec.groups.len().saturating_sub(1)
            });
            if let Some(group) = spec.groups.get_mut(place) {
                group.to.add(&rule.target);
            }
        }
        spec
    }

    /// The same on that link.
    #[must_use]
    pub fn on(self, link: OnLink) -> Self {
        Self { link, ..self }
    }

    /// The groups that an address gets into when the app is given it for a name.
    #[must_use]
    pub fn live(&self, name: &str, address: IpAddr, time: Duration) -> Vec<LiveName> {
        let address = address.to_canonical();
        let is_in = |group: &Group| match &group.to {
            To::These { names, .. } => names.iter().any(|pattern| pattern.matches(name)),
            To::Everybody => false,
        };
        let named = self.groups.iter().enumerate().filter(|(_, group)| is_in(group));
        let live = named.map(|(group, _)| LiveName { group, address, time });
        live.filter(|live| self.may_be(live)).collect()
    }

    /// Whether an address may be in the group of a name: whoever owns a name says what it stands for, and
    /// leads nobody into the local network.
    pub(super) fn may_be(&self, live: &LiveName) -> bool {
        self.groups.get(live.group).is_some_and(|group| {
            let named = matches!(&group.to, To::These { names, .. } if !names.is_empty());
            let public = class(live.address) == Class::Public;
            named && (public || group.verdict == Verdict::Deny)
        })
    }
}

impl To {
    fn add(&mut self, target: &Target) {
        let Self::These { v4, v6, names } = self else { return };
        match target {
            Target::Everything => *self = Self::Everybody,
            Target::Public => {
                let (lan4, special4) = (LAN4.iter().map(range4), SPECIAL4.iter().map(range4));
                v4.extend(gaps(lan4.chain(special4), Ipv4Addr::to_bits, Ipv4Addr::from_bits));
                let (lan6, special6) = (LAN6.iter().map(range6), SPECIAL6.iter().map(range6));
                v6.extend(gaps(lan6.chain(special6), Ipv6Addr::to_bits, Ipv6Addr::from_bits));
            }
            Target::Lan => {
                v4.extend(LAN4.iter().map(range4));
                v6.extend(LAN6.iter().map(range6));
            }
            Target::Network(IpNet { address: IpAddr::V4(address), prefix }) => {
                v4.push(range4(&(*address, *prefix)));
            }
            Target::Network(IpNet { address: IpAddr::V6(address), prefix }) => {
                v6.push(range6(&(*address, *prefix)));
            }
            Target::Name(pattern) => names.push(pattern.clone()),
            // It is never in a group.
            Target::Host => {}
        }
    }
}

fn range4((address, prefix): &(Ipv4Addr, u8)) -> Range<Ipv4Addr> {
    let free = u32::MAX.checked_shr((*prefix).into()).unwrap_or(0);
    let bits = address.to_bits();
    (Ipv4Addr::from_bits(bits & !free), Ipv4Addr::from_bits(bits | free))
}

fn range6((address, prefix): &(Ipv6Addr, u8)) -> Range<Ipv6Addr> {
    let free = u128::MAX.checked_shr((*prefix).into()).unwrap_or(0);
    let bits = address.to_bits();
    (Ipv6Addr::from_bits(bits & !free), Ipv6Addr::from_bits(bits | free))
}

/// A number that an address is.
pub(super) trait Bits: Ord + Copy {
    const ZERO: Self;
    const LAST: Self;
    fn next(self) -> Option<Self>;
    fn previous(self) -> Option<Self>;
}

macro_rules! bits {
    ($($of:ty),*) => {$(
        impl Bits for $of {
            const ZERO: Self = 0;
            const LAST: Self = Self::MAX;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}

bits!(u32, u128);

/// Ranges in order, of which none touches the next.
pub(super) fn merged<B: Bits>(ranges: impl Iterator<Item = Range<B>>) -> Vec<Range<B>> {
    let mut sorted: Vec<_> = ranges.filter(|(first, last)| first <= last).collect();
    sorted.sort_unstable();
    let mut merged: Vec<Range<B>> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        match merged.last_mut() {
            Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// What lies in none of the ranges.
fn gaps<A, B: Bits>(
    ranges: impl Iterator<Item = Range<A>>,
    to: impl Fn(A) -> B,
    from: impl Fn(B) -> A,
) -> Vec<Range<A>> {
    let mut gaps = Vec::new();
    let mut begin = Some(B::ZERO);
    for (first, last) in merged(ranges.map(|(first, last)| (to(first), to(last)))) {
        if let (Some(begin), Some(end)) = (begin, first.previous()) {
            gaps.push((begin, end));
        }
        begin = last.next();
    }
    gaps.extend(begin.map(|begin| (begin, B::LAST)));
    gaps.retain(|(first, last)| first <= last);
    gaps.into_iter().map(|(first, last)| (from(first), from(last))).collect()
}

/// The number of a protocol in a packet of that family.
pub(super) fn number(protocol: Protocol, v6: bool) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Icmp if v6 => 58,
        Protocol::Icmp => 1,
    }
}

/// The protocol with that number.
pub(super) fn protocol(number: u8) -> Option<Protocol> {
    match number {
        6 => Some(Protocol::Tcp),
        17 => Some(Protocol::Udp),
        1 | 58 => Some(Protocol::Icmp),
        _ => None,
    }
}

/// The type of the request of an echo in that family.
pub(super) const fn echo_request(v6: bool) -> u8 {
    if v6 { 128 } else { 8 }
}

/// What stands in the place of a port where the kernel keeps flows: of an echo, its type and its code.
pub(super) fn kept_port(protocol: Protocol, v6: bool, port: u16) -> u16 {
    if protocol.has_ports() { port } else { u16::from_be_bytes([echo_request(v6), 0]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::Rule;

    fn spec(default: Verdict, rules: &[(Verdict, &str)]) -> Spec {
        let list = rules.iter().map(|(verdict, text)| Rule::parse(*verdict, text).unwrap());
        Spec::new(&Rules { default, list: list.collect() }, &[], Generation::MIN)
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let merge = |ranges: &[Range<u32>]| merged(ranges.iter().copied());
        assert_eq!(merge(&[(5, 7), (1, 2), (3, 3), (6, 9)]), [(1, 3), (5, 9)]);
        assert_eq!(merge(&[(0, u32::MAX), (3, 4), (u32::MAX, u32::MAX)]), [(0, u32::MAX)]);
        assert_eq!(merge(&[(9, 1)]), []);
    }

    #[test]
    fn what_is_public_lies_between_the_rest() {
        let spec = spec(Verdict::Deny, &[(Verdict::Allow, "public")]);
        let To::These { v4, v6, .. } = &spec.groups[0].to else { panic!() };
        for (first, last) in v4 {
            for address in [*first, *last] {
                assert_eq!(class(address.into()), Class::Public, "{address}");
            }
            for bits in [first.to_bits().checked_sub(1), last.to_bits().checked_add(1)] {
                let beside = bits.map(|bits| Ipv4Addr::from_bits(bits).into());
                assert!(beside.is_none_or(|beside| class(beside) != Class::Public));
            }
        }
        for (first, last) in v6 {
            for address in [*first, *last] {
                assert_eq!(class(address.into()), Class::Public, "{address}");
            }
            for bits in [first.to_bits().checked_sub(1), last.to_bits().checked_add(1)] {
                let beside = bits.map(|bits| Ipv6Addr::from_bits(bits).into());
                assert!(beside.is_none_or(|beside| class(beside) != Class::Public));
            }
        }
    }

    #[test]
    fn rules_that_come_to_the_same_are_one_group() {
        let spec = spec(
            Verdict::Ask,
            &[
                (Verdict::Allow, "*:443"),
                (Verdict::Allow, "192.0.2.1"),
                (Verdict::Allow, "a.example.org"),
                (Verdict::Allow, "2001:db8::1"),
                (Verdict::Deny, "192.0.2.2"),
                (Verdict::Allow, "192.0.2.0/24"),
                (Verdict::Allow, "host:631"),
            ],
        );
        let verdicts: Vec<_> = spec.groups.iter().map(|group| group.verdict).collect();
        assert_eq!(verdicts, [Verdict::Deny, Verdict::Allow, Verdict::Allow, Verdict::Allow]);
        assert!(matches!(&spec.groups[1].to, To::These { v4, v6, names }
            if (v4.len(), v6.len(), names.len()) == (1, 1, 1)));
        assert_eq!(spec.groups[3].to, To::Everybody);
        assert_eq!(spec.host_groups.len(), 1);
    }

    #[test]
    fn a_name_leads_nobody_into_the_local_network() {
        let spec = spec(
            Verdict::Deny,
            &[(Verdict::Allow, "*.example.org"), (Verdict::Deny, "*.example.org:25")],
        );
        let live = |name, address: &str| -> Vec<usize> {
            let live = spec.live(name, address.parse().unwrap(), Duration::MAX);
            live.iter().map(|live| live.group).collect()
        };
        assert_eq!(live("www.example.org", "1.1.1.1"), [0, 1]);
        assert_eq!(live("www.example.org", "::ffff:192.168.1.1"), [0]);
        assert!(live("example.com", "1.1.1.1").is_empty());
    }
}
