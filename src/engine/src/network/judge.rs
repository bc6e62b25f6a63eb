//! The chains that decide. All of them look at the first packet of a flow, which its other packets
//! remember: so a flow is judged the same whichever of its packets comes first after a change.
//!
//! A flow that was allowed is marked with the generation of the rules. The next generation does not
//! know that mark, and judges it again.

use super::nft::{Chain, Expression, Family, Flow, Header, Hook, Is, Meta, Policy, Register};
use super::ruleset::{Ranges, answers, has_names, host, names_of, ranges, ranges_of, suffix};
use super::spec::{Group, Spec, To, echo_request, number};
use arkose_profile::net::{Ports, Protocol, Verdict};

/// What is told of a packet: the longest headers of both layers fit.
pub(super) const LOGGED_BYTES: u32 = 128;
/// The groups of NFLOG in which is told what is asked about, and what was denied.
pub(super) const ASKED: u16 = 1;
pub(super) const DENIED: u16 = 2;

/// The index of the loopback interface in every network namespace.
const LOOPBACK: u32 = 1;
/// `NFPROTO_IPV4` and `NFPROTO_IPV6`.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// `NF_CT_STATE_INVALID_BIT`.
const INVALID: u32 = 1;
/// `RTN_LOCAL`.
const LOCAL: u32 = 2;
/// `IP_CT_DIR_ORIGINAL` and `IP_CT_DIR_REPLY`.
const ORIGINAL: u8 = 0;
const REPLY: u8 = 1;

/// Which types of ICMPv6 go out, and come in, for neighbours to find each other (RFC 4861): asking for a
/// router, its answer, asking for a neighbour, its answer. Redirects are not obeyed. Nobody is told
/// which groups an app has joined (MLD): it could say anything to the network that way.
const NEIGHBOURS_OUT: [u8; 3] = [133, 135, 136];
const NEIGHBOURS_IN: [u8; 3] = [134, 135, 136];

const JUDGE: &str = "judge";
const ALLOW: &str = "allow";
const DENY: &str = "deny";

/// Makes the chains for a set of rules.
pub(super) struct Judge<'a>(pub(super) &'a Spec);

impl Judge<'_> {
    /// Those that packets come to; with them the rules begin to count.
    pub(super) fn bases(&self) -> [Chain; 3] {
        // An app offers nothing to the network: what comes in is an answer.
        let (out, back) = (Meta::OutputInterface, Meta::InputInterface);
        let base = |hook, name, rules| Chain {
            base: Some((hook, 0, Policy::Drop)),
            rules,
            ..Chain::new(name)
        };
        [
            base(Hook::Output, "output", self.base(out, NEIGHBOURS_OUT, ORIGINAL)),
            base(Hook::Input, "input", self.base(back, NEIGHBOURS_IN, REPLY)),
            // A new namespace forwards packets where the computer does, for containers or guests.
            base(Hook::Forward, "forward", Vec::new()),
        ]
    }

    fn base(&self, interface: Meta, types: [u8; 3], direction: u8) -> Vec<Vec<Expression>> {
        let mut rules = vec![rule([loopback(interface)], Expression::Accept)];
        rules.push(options());
        // Who looks whether an address is another's has none yet.
        let first = self.0.link.own_sender && interface == Meta::OutputInterface;
        if first {
            rules.extend(types.map(neighbour));
            rules.push(foreign_sender());
        }
        // Nearly every packet is of such a flow. What belongs to none has no mark.
        let mark = flow(Flow::Mark, self.0.generation.get().to_ne_bytes());
        rules.push(rule([mark], Expression::Accept));
        if !first {
            rules.extend(types.map(neighbour));
        }
        rules.push(invalid());
        rules.push(rule([flow(Flow::Direction, [direction])], goto(JUDGE)));
        rules
    }

    /// Those that lead to a verdict.
    pub(super) fn inner(&self) -> Vec<Chain> {
        let mut chains = vec![judge(), self.allow(), deny()];
        for family in Family::BOTH {
            chains.push(protocols(family));
            chains.push(ask(family));
            chains.push(self.groups(family));
            chains.push(self.host_groups(family));
        }
        chains
    }

    fn allow(&self) -> Chain {
        let generation = self.0.generation.get().to_ne_bytes().to_vec();
        let mark = vec![
            Expression::Value(Register::FIRST, generation),
            Expression::MarkFlow(Register::FIRST),
            Expression::Accept,
        ];
        Chain { rules: vec![mark], ..Chain::new(ALLOW) }
    }

    fn groups(&self, family: Family) -> Chain {
        let mut rules = vec![rule([to(&host(family), family)], goto(named("host", family)))];
        for (index, group) in self.0.groups.iter().enumerate() {
            let verdict = verdict(group.verdict, family);
            let ports = ports(group.ports, family);
            let with = |addresses: Condition| {
                rule(ports.iter().cloned().chain([addresses]), verdict.clone())
            };
            rules.extend(addresses(group, index, family).into_iter().map(with));
        }
        rules.push(vec![verdict(self.0.default, family)]);
        Chain { rules, ..Chain::new(named("groups", family)) }
    }

    fn host_groups(&self, family: Family) -> Chain {
        let groups = self.0.host_groups.iter();
        let rules = groups.map(|(what, to)| rule(ports(*to, family), verdict(*what, family)));
        let rules = rules.chain([vec![goto(DENY)]]).collect();
        Chain { rules, ..Chain::new(named("host", family)) }
    }
}

/// Expressions after which a rule goes on, or does not.
type Condition = Vec<Expression>;

fn rule(conditions: impl IntoIterator<Item = Condition>, end: Expression) -> Vec<Expression> {
    conditions.into_iter().flatten().chain([end]).collect()
}

fn meta(key: Meta, value: impl Into<Vec<u8>>) -> Condition {
    let first = Register::FIRST;
    vec![Expression::Meta(key, first), Expression::Compare(first, Is::Equal, value.into())]
}

fn flow(key: Flow, value: impl Into<Vec<u8>>) -> Condition {
    let first = Register::FIRST;
    vec![Expression::Flow(key, first), Expression::Compare(first, Is::Equal, value.into())]
}

fn byte(of: Header, offset: u32, value: u8) -> Condition {
    let first = Register::FIRST;
    let read = Expression::Payload { of, offset, length: 1, to: first };
    vec![read, Expression::Compare(first, Is::Equal, vec![value])]
}

/// That a flow goes to an address in a set.
fn to(set: &str, family: Family) -> Condition {
    let first = Register::FIRST;
    vec![Expression::Flow(address(family), first), Expression::Lookup(first, set.to_owned())]
}

pub(super) fn address(family: Family) -> Flow {
    match family {
        Family::V4 => Flow::OriginalAddress4,
        Family::V6 => Flow::OriginalAddress6,
    }
}

/// Reads what a flow is known by: where it goes, by which protocol, to which port.
pub(super) fn key(family: Family) -> Condition {
    let protocol = Register::FIRST.after(family.length());
    let port = protocol.after(1);
    vec![
        Expression::Flow(address(family), Register::FIRST),
        Expression::Flow(Flow::Protocol, protocol),
        Expression::Flow(Flow::OriginalPort, port),
    ]
}

/// That flows are of a family.
pub(super) fn of_family(family: Family) -> Condition {
    meta(Meta::Family, [if family == Family::V4 { IPV4 } else { IPV6 }])
}

/// That packets go over the loopback interface.
pub(super) fn loopback(interface: Meta) -> Condition {
    meta(interface, LOOPBACK.to_ne_bytes())
}

fn goto(chain: impl Into<String>) -> Expression {
    Expression::Goto(chain.into())
}

fn named(chain: &str, family: Family) -> String {
    format!("{chain}-{}", suffix(family))
}

fn verdict(verdict: Verdict, family: Family) -> Expression {
    match verdict {
        Verdict::Allow => goto(ALLOW),
        Verdict::Deny => goto(DENY),
        Verdict::Ask => goto(named("ask", family)),
    }
}

/// A message between neighbours; one that came over a router has another hop limit.
fn neighbour(kind: u8) -> Vec<Expression> {
    let v6 = of_family(Family::V6);
    let icmp = meta(Meta::Protocol, [number(Protocol::Icmp, true)]);
    let near = byte(Header::Network, 7, u8::MAX);
    rule([v6, icmp, near, byte(Header::Transport, 0, kind)], Expression::Accept)
}

/// An option of IPv4 could name a router that sends the packet on to somebody else, and anybody can
/// set one; those of IPv6 need rights that an app does not have.
fn options() -> Vec<Expression> {
    let first = Register::FIRST;
    let length = vec![
        Expression::Payload { of: Header::Network, offset: 0, length: 1, to: first },
        Expression::Mask { register: first, mask: vec![0x0f] },
        Expression::Compare(first, Is::NotEqual, vec![5]),
    ];
    rule([of_family(Family::V4), length], Expression::Drop)
}

/// Whoever may open a socket may say that it sends from any address of IPv6 (`IPV6_FREEBIND`).
fn foreign_sender() -> Vec<Expression> {
    let first = Register::FIRST;
    let other = Expression::Compare(first, Is::NotEqual, LOCAL.to_ne_bytes().to_vec());
    rule([vec![Expression::KindOfSender(first), other]], Expression::Drop)
}

/// What belongs to no flow and begins none.
fn invalid() -> Vec<Expression> {
    let first = Register::FIRST;
    let state = vec![
        Expression::Flow(Flow::State, first),
        Expression::Mask { register: first, mask: INVALID.to_ne_bytes().to_vec() },
        Expression::Compare(first, Is::NotEqual, vec![0; 4]),
    ];
    rule([state], Expression::Drop)
}

fn judge() -> Chain {
    let families = Family::BOTH.map(|one| rule([of_family(one)], goto(named(JUDGE, one))));
    let rules = families.into_iter().chain([vec![Expression::Drop]]).collect();
    Chain { rules, ..Chain::new(JUDGE) }
}

/// TCP, UDP and the echo; nothing else goes anywhere.
fn protocols(family: Family) -> Chain {
    let v6 = family == Family::V6;
    let groups = || goto(named("groups", family));
    let is = |protocol| flow(Flow::Protocol, [number(protocol, v6)]);
    let echo = flow(Flow::OriginalPort, [echo_request(v6), 0]);
    let rules = vec![
        rule([is(Protocol::Tcp)], groups()),
        rule([is(Protocol::Udp)], groups()),
        rule([is(Protocol::Icmp), echo], groups()),
        vec![Expression::Drop],
    ];
    Chain { rules, ..Chain::new(named(JUDGE, family)) }
}

/// What is not answered yet is held back, and comes again by itself.
fn ask(family: Family) -> Chain {
    let answered = |allow| {
        let set = Expression::Lookup(Register::FIRST, answers(allow, family));
        rule([key(family), vec![set]], goto(if allow { ALLOW } else { DENY }))
    };
    let tell = vec![
        Expression::Limit { per_second: 50, burst: 100 },
        Expression::Log { group: ASKED, bytes: LOGGED_BYTES },
    ];
    let rules = vec![answered(true), answered(false), tell, vec![Expression::Drop]];
    Chain { rules, ..Chain::new(named("ask", family)) }
}

/// The app is told at once; who sent to it is not.
fn deny() -> Chain {
    let tell = vec![
        Expression::Limit { per_second: 20, burst: 100 },
        Expression::Log { group: DENIED, bytes: LOGGED_BYTES },
    ];
    let tcp = meta(Meta::Protocol, [number(Protocol::Tcp, false)]);
    let rules = vec![
        tell,
        rule([flow(Flow::Direction, [REPLY])], Expression::Drop),
        rule([tcp], Expression::ResetTcp),
        vec![Expression::Prohibited],
    ];
    Chain { rules, ..Chain::new(DENY) }
}

/// The conditions of which one is enough for a flow to go to a group.
fn addresses(group: &Group, index: usize, family: Family) -> Vec<Condition> {
    if group.to == To::Everybody {
        return vec![Vec::new()];
    }
    let ranges = ranges(group, family).map(|ranges| match ranges {
        Ranges::Many(_) => to(&ranges_of(index, family), family),
        Ranges::One(first, last) if first == last => flow(address(family), first),
        Ranges::One(first, last) => {
            let register = Register::FIRST;
            let within = Expression::Within(register, first, last);
            vec![Expression::Flow(address(family), register), within]
        }
    });
    let names = has_names(group).then(|| to(&names_of(index, family), family));
    ranges.into_iter().chain(names).collect()
}

/// That flows are of these protocols and ports. Others than the three have gone before.
fn ports(ports: Ports, family: Family) -> Vec<Condition> {
    let number = |protocol| number(protocol, family == Family::V6);
    let first = Register::FIRST;
    let mut conditions: Vec<Condition> = Vec::new();
    match ports.protocol {
        Some(protocol) => conditions.push(flow(Flow::Protocol, [number(protocol)])),
        None if ports.range.is_some() => conditions.push(vec![
            Expression::Flow(Flow::Protocol, first),
            Expression::Compare(first, Is::NotEqual, vec![number(Protocol::Icmp)]),
        ]),
        None => {}
    }
    match ports.range {
        Some((one, last)) if one == last => {
            conditions.push(flow(Flow::OriginalPort, one.to_be_bytes()));
        }
        Some((one, last)) => {
            let (one, last) = (one.to_be_bytes().to_vec(), last.to_be_bytes().to_vec());
            let within = Expression::Within(first, one, last);
            conditions.push(vec![Expression::Flow(Flow::OriginalPort, first), within]);
        }
        None => {}
    }
    conditions
}
