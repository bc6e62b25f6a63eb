//! Random rules, held against a second way to say what they mean.
//!
//! They are drawn by a small generator with a fixed seed: what fails once fails again.

use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Numbers that look random, and are the same each time (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }

    /// Few enough that rules and connections meet.
    fn address(&mut self) -> IpAddr {
        let last = u8::try_from(self.below(4)).unwrap();
        match self.below(8) {
            0 => Ipv4Addr::new(10, 0, 0, last).into(),
            1 => Ipv4Addr::new(10, last, 0, 1).into(),
            2 => Ipv4Addr::new(8, 8, 8, last).into(),
            3 => Ipv4Addr::from_bits(u32::try_from(self.next() >> 32).unwrap()).into(),
            4 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()).into(),
            5 => Ipv6Addr::new(0x2606, 0, 0, 0, 0, 0, 0, last.into()).into(),
            6 => Ipv4Addr::new(8, 8, 8, last).to_ipv6_mapped().into(),
            _ => {
                Ipv6Addr::from_bits(u128::from(self.next()) << 64 | u128::from(self.next())).into()
            }
        }
    }

    fn name(&mut self) -> String {
        let tops = ["org", "example.org", "example.com", "a.b.example.org"];
        let name = self.of(&tops);
        match self.below(3) {
            0 => format!("www.{name}"),
            1 => format!("x-{}.{name}", self.below(3)),
            _ => format!("a.{name}"),
        }
    }

    fn port(&mut self) -> u16 {
        u16::try_from(1 + self.below(6)).unwrap()
    }

    fn rule(&mut self) -> Rule {
        let verdict = self.of(&Verdict::ALL);
        let target = match self.below(9) {
            0 => Target::Everything,
            1 => Target::Public,
            2 => Target::Lan,
            3 => Target::Host,
            4 => Target::Network(IpNet::single(self.address())),
            5 => {
                let address = self.address();
                let bits = if address.is_ipv4() { 33 } else { 129 };
                let prefix = u8::try_from(self.below(bits)).unwrap();
                Target::Network(IpNet::new(address, prefix).unwrap())
            }
            _ => Target::Name(NamePattern { name: self.name(), below: self.below(2) == 0 }),
        };
        let (first, more) = (self.port(), self.port());
        let range = Some((first, first + more - 1)).filter(|_| self.below(2) == 0);
        let protocol = match self.below(5) {
            0 => Some(Protocol::Tcp),
            1 => Some(Protocol::Udp),
            2 if range.is_none() => Some(Protocol::Icmp),
            _ => None,
        };
        let range = if target == Target::Host && protocol != Some(Protocol::Icmp) {
            range.or(Some((first, first)))
        } else {
            range
        };
        let verdict =
            if target == Target::Host && range.is_none() { Verdict::Deny } else { verdict };
        Rule { verdict, target, ports: Ports { protocol, range } }
    }

    fn rules(&mut self) -> Rules {
        let count = self.below(9);
        Rules { default: self.of(&Verdict::ALL), list: (0..count).map(|_| self.rule()).collect() }
    }
}

#[test]
fn what_is_written_reads_back_as_it_was() {
    let mut draw = Draw(1);
    for _ in 0..5_000 {
        let rule = draw.rule();
        let text = rule.to_string();
        match Rule::parse(rule.verdict, &text) {
            Ok(read) => assert_eq!(read, rule, "{text}"),
            // A random address may be the loopback's, and is refused then.
            Err(why) => assert!(
                why.to_string().contains("always reaches") || why.to_string().contains("nobody"),
                "{why}"
            ),
        }
    }
}

#[test]
fn no_text_that_is_read_changes_when_it_is_written_again() {
    let mut draw = Draw(2);
    let pieces = [
        "*", ".", ":", "/", "[", "]", "-", "public", "lan", "host", "example", "org", "10.0.0.1",
        "::1", "fd00::", "::ffff:", "8", "24", "443", "tcp", "icmp", "é", " ", "0", "A", "%",
    ];
    let mut read = 0;
    for _ in 0..40_000 {
        let count = 1 + draw.below(6);
        let text: String = (0..count).map(|_| draw.of(&pieces)).collect();
        if let Ok(rule) = Rule::parse(Verdict::Deny, &text) {
            read += 1;
            let again = rule.to_string();
            assert_eq!(Rule::parse(Verdict::Deny, &again).as_ref(), Ok(&rule), "{text} {again}");
        }
    }
    assert!(read > 500, "{read}");
}

/// The design read aloud: every tier in turn, in it every verdict in turn, in it every rule.
fn naive(rules: &Rules, flow: &Flow<'_>) -> Verdict {
    let tiers = [Tier::Host, Tier::Domain, Tier::Network, Tier::Word, Tier::Everything];
    for tier in tiers {
        for verdict in [Verdict::Deny, Verdict::Allow, Verdict::Ask] {
            for rule in &rules.list {
                let meets = match &rule.target {
                    Target::Host => flow.is_host,
                    _ if flow.is_host => false,
                    Target::Everything => true,
                    Target::Public => class(flow.address) == Class::Public,
                    Target::Lan => class(flow.address) == Class::Lan,
                    Target::Network(net) => {
                        IpNet::new(flow.address.to_canonical(), net.prefix) == Some(*net)
                    }
                    Target::Name(pattern) => {
                        let below = format!(".{}", pattern.name);
                        let named = |name: &String| {
                            *name == pattern.name || pattern.below && name.ends_with(&below)
                        };
                        (verdict == Verdict::Deny || class(flow.address) == Class::Public)
                            && flow.names.iter().any(named)
                    }
                };
                let protocol = match rule.ports.protocol {
                    Some(protocol) => protocol == flow.protocol,
                    None => rule.ports.range.is_none() || flow.protocol != Protocol::Icmp,
                };
                let port = rule.ports.range.is_none_or(|(a, b)| a <= flow.port && flow.port <= b);
                if rule.tier() == tier && rule.verdict == verdict && meets && protocol && port {
                    return verdict;
                }
            }
        }
    }
    if flow.is_host { Verdict::Deny } else { rules.default }
}

#[test]
fn decisions_are_those_of_the_naive_reading() {
    let mut draw = Draw(3);
    for _ in 0..20_000 {
        let rules = draw.rules();
        let names: Vec<_> = (0..draw.below(3)).map(|_| draw.name()).collect();
        let protocol = draw.of(&Protocol::ALL);
        let port = if protocol.has_ports() { draw.port() } else { 0 };
        let flow = Flow {
            address: draw.address(),
            protocol,
            port,
            is_host: draw.below(6) == 0,
            names: &names,
        };
        let decision = rules.decide(&flow);
        assert_eq!(decision.verdict, naive(&rules, &flow), "{rules:?} {flow:?}");
        if let Some(rule) = decision.rule {
            assert_eq!(rules.list[rule].verdict, decision.verdict);
        }
    }
}

#[test]
fn an_address_may_be_reached_where_some_port_may_be() {
    let mut draw = Draw(4);
    for _ in 0..2_000 {
        let rules = draw.rules();
        let names: Vec<_> = (0..draw.below(2)).map(|_| draw.name()).collect();
        let (address, is_host) = (draw.address(), draw.below(6) == 0);
        // No rule that is drawn tells ports above 12 apart.
        let ports = |protocol: Protocol| if protocol.has_ports() { 0..=13 } else { 0..=0 };
        let some = Protocol::ALL.into_iter().any(|protocol| {
            ports(protocol).any(|port| {
                let flow = Flow { address, protocol, port, is_host, names: &names };
                naive(&rules, &flow) != Verdict::Deny
            })
        });
        let said = if is_host { rules.may_reach_host() } else { rules.may_reach(address, &names) };
        assert_eq!(said, some, "{rules:?} {address} {names:?}");
    }
}

#[test]
fn a_name_that_is_refused_leads_nowhere() {
    let mut draw = Draw(5);
    for _ in 0..5_000 {
        let rules = draw.rules();
        let names = [draw.name()];
        if rules.name(&names[0]) == NameVerdict::Refuse(None) {
            assert!(!rules.may_reach(draw.address(), &names), "{rules:?} {names:?}");
        }
    }
}
