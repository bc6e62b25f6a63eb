//! One rule, and its text: reading it, with a sentence for every mistake, and writing it.

use super::address::IpNet;
use super::name::NamePattern;
use super::ports::Ports;
use super::{Flow, Verdict, canonical_name};
use crate::i18n::{Message, N_};
use crate::nearest::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Everything but this computer.
    Everything,
    /// The internet: what is not local, not this computer and not special.
    Public,
    /// The local network.
    Lan,
    /// This computer, at the address that stands for it inside.
    Host,
    /// An address, or a network.
    Network(IpNet),
    /// A name, or a domain.
    Name(NamePattern),
}

/// How exact a target is; what is more exact decides first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// One address or one name.
    Host,
    /// A name and all below it.
    Domain,
    /// Addresses that begin alike.
    Network,
    /// `public`, `lan` or `host`.
    Word,
    /// `*`.
    Everything,
}

impl Target {
    /// How exact it is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        match self {
            Self::Everything => Tier::Everything,
            Self::Public | Self::Lan | Self::Host => Tier::Word,
            Self::Network(net) if net.is_single() => Tier::Host,
            Self::Network(_) => Tier::Network,
            Self::Name(pattern) if pattern.below => Tier::Domain,
            Self::Name(_) => Tier::Host,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*"),
            Self::Public => f.write_str("public"),
            Self::Lan => f.write_str("lan"),
            Self::Host => f.write_str("host"),
            Self::Network(net) => net.fmt(f),
            Self::Name(pattern) => pattern.fmt(f),
        }
    }
}

/// One rule. `Display` is its text without the verdict: `TARGET[:PORT[-PORT]][/PROTOCOL]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rule {
    /// What becomes of a connection that it matches.
    pub verdict: Verdict,
    /// Where that connection goes.
    pub target: Target,
    /// By which protocol, to which ports.
    pub ports: Ports,
}

/// A rule as it crosses to another process: what is none there does not come in.
#[derive(Serialize, Deserialize)]
struct Written {
    verdict: Verdict,
    rule: String,
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        Self { verdict: rule.verdict, rule: rule.to_string() }
    }
}

impl TryFrom<Written> for Rule {
    type Error = Message;

    fn try_from(written: Written) -> Result<Self, Message> {
        Self::parse(written.verdict, &written.rule)
    }
}

impl Rule {
    /// Reads the text of a rule.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(verdict: Verdict, text: &str) -> Result<Self, Message> {
        parse(verdict, text).map_err(|(part, why)| match part {
            Some(part) if part == text && !text.is_empty() => why,
            _ => Message::new(N_("“{rule}”: {why}")).with("rule", text).with_message("why", why),
        })
    }

    /// How exact it is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.target.tier()
    }

    /// What decides earlier of two rules that match: less goes first.
    pub(super) fn key(&self) -> (Tier, u8) {
        (self.tier(), self.verdict.rank())
    }

    /// The narrowest rule that allows a connection, by its name where it has one: for a line of the
    /// log that says what would allow it. `None` where there is none: this computer answers no `ping`.
    #[must_use]
    pub fn allowing(flow: &Flow<'_>) -> Option<Self> {
        let ported = flow.protocol.has_ports() && flow.port > 0;
        let range = ported.then_some((flow.port, flow.port));
        let ports = Ports { protocol: Some(flow.protocol), range };
        let named = || flow.names.iter().find_map(|name| canonical_name(name));
        let target = match flow.is_host {
            true if !ported => return None,
            true => Target::Host,
            // A name alone never leads into the local network.
            false if super::class(flow.address) != super::Class::Public => {
                Target::Network(IpNet::single(flow.address))
            }
            false => named().map_or_else(
                || Target::Network(IpNet::single(flow.address)),
                |name| Target::Name(NamePattern { name, below: false }),
            ),
        };
        Some(Self { verdict: Verdict::Allow, target, ports })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Network(net) if net.address.is_ipv6() && self.ports.range.is_some() => {
                write!(f, "[{net}]{}", self.ports)
            }
            target => write!(f, "{target}{}", self.ports),
        }
    }
}

/// A mistake, and the part that it is in and that its sentence names, where it names one.
type Wrong<'t> = (Option<&'t str>, Message);

/// The parts of a rule's text.
struct Parts<'t> {
    target: &'t str,
    range: Option<&'t str>,
    protocol: Option<&'t str>,
}

fn parse(verdict: Verdict, text: &str) -> Result<Rule, Wrong<'_>> {
    let whole = |why| (None, why);
    let parts = parts(text).map_err(whole)?;
    let target = target(parts.target).map_err(|why| (Some(parts.target), why))?;
    let ports = Ports::parse(parts.range, parts.protocol).map_err(whole)?;
    if target == Target::Host && ports.range.is_none() && verdict != Verdict::Deny {
        return Err(whole(Message::new(N_(
            "“host” needs the port of a service of this computer, like “host:631”",
        ))));
    }
    Ok(Rule { verdict, target, ports })
}

/// Takes a rule apart: `TARGET[:PORTS][/PROTOCOL]`, with brackets around an address of IPv6 before a port.
fn parts(text: &str) -> Result<Parts<'_>, Message> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':', '?', '#']).next().unwrap_or(rest);
        let message = match scheme {
            "https" => N_("a rule is no address of a page; write “{host}:443”"),
            "http" => N_("a rule is no address of a page; write “{host}:80”"),
            _ => N_("a rule is no address of a page; write “{host}”, “:” and the port"),
        };
        return Err(Message::new(message).with("host", host));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let Some((target, rest)) = inner.split_once(']') else {
            return Err(Message::new(N_("the “[” is not closed; write [ADDRESS]:PORT")));
        };
        if !target.contains(':') {
            return Err(Message::new(N_("brackets stand around an address of IPv6 alone")));
        }
        let (ports, protocol) = split_protocol(rest);
        let range = match (ports, ports.strip_prefix(':')) {
            ("", _) => None,
            (_, Some(range)) => Some(range),
            _ => {
                let message = N_("behind the “]” comes “:” and a port, not “{rest}”");
                return Err(Message::new(message).with("rest", rest));
            }
        };
        return Ok(Parts { target, range, protocol });
    }
    let (head, protocol) = split_protocol(text);
    // More than one “:” is an address of IPv6, which without brackets has no port.
    let (target, range) = match head.split_once(':') {
        Some((target, range)) if !range.contains(':') => (target, Some(range)),
        _ => (head, None),
    };
    Ok(Parts { target, range, protocol })
}

/// What stands behind the last `/` is a protocol, unless it begins like a number: then it is a network's.
fn split_protocol(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('/') {
        Some((head, tail)) if !tail.starts_with(|c: char| c.is_ascii_digit()) => (head, Some(tail)),
        _ => (text, None),
    }
}

/// The words that stand for something, and what some write for them.
const WORDS: [(&str, Target, &[&str]); 4] = [
    ("*", Target::Everything, &["any", "all", "everything", "everywhere"]),
    ("public", Target::Public, &["internet", "wan", "global"]),
    ("lan", Target::Lan, &["local", "localnet", "intranet", "private"]),
    ("host", Target::Host, &["localhost"]),
];

fn target(text: &str) -> Result<Target, Message> {
    let word = |(word, ..): &&(&str, _, _)| word.eq_ignore_ascii_case(text);
    if let Some((_, target, _)) = WORDS.iter().find(word) {
        return Ok(target.clone());
    }
    if let Some(net) = IpNet::parse(text) {
        let net = net?;
        return reachable(net, text).map_or(Ok(Target::Network(net)), Err);
    }
    let about = |pattern| Message::new(pattern).with("target", text);
    if text.is_empty() {
        return Err(about(N_(
            "the target is missing; it is a name like “example.org”, an address, “*”, “public”, “lan” or “host”",
        )));
    }
    if text.contains('%') {
        return Err(about(N_(
            "“{target}”: a rule is about every interface; leave the “%” and what follows out",
        )));
    }
    if text.contains(':') {
        return Err(about(N_(
            "“{target}” is no address of IPv6; one with a port is written [ADDRESS]:PORT",
        )));
    }
    if let Some((before, _)) = text.split_once('/') {
        return Err(about(N_("“{target}”: only behind an address can stand how many bits are fixed, and “{before}” is none"))
            .with("before", before));
    }
    let pattern = NamePattern::parse(text)?;
    if pattern.name == "localhost" || pattern.name.ends_with(".localhost") {
        return Err(inside(text));
    }
    // A name of one part is a word that was meant otherwise: who asks for such names adds a domain.
    if !pattern.below && !pattern.name.contains('.') {
        return Err(no_word(text));
    }
    Ok(Target::Name(pattern))
}

/// What can be said of one word that is none of those that are known.
fn no_word(text: &str) -> Message {
    let lower = text.to_ascii_lowercase();
    let other = WORDS.iter().find(|(_, _, others)| others.contains(&lower.as_str()));
    let meant = other.map(|(word, ..)| *word);
    let message = match meant.or_else(|| nearest(text, WORDS.iter().map(|(word, ..)| *word))) {
        Some(near) => Message::new(N_(
            "“{target}” is neither a word (*, public, lan, host) nor a name with a dot, like “example.org”. Did you mean “{near}”?",
        ))
        .with("near", near),
        None => Message::new(N_(
            "“{target}” is neither a word (*, public, lan, host) nor a name with a dot, like “example.org”",
        )),
    };
    message.with("target", text)
}

/// Of an address that nobody else has: the app would not leave its sandbox for it.
fn reachable(net: IpNet, text: &str) -> Option<Message> {
    match net.address {
        address if address.is_unspecified() && net.is_single() => Some(
            Message::new(N_("“{target}” is the address of nobody; for every address write “*”"))
                .with("target", text),
        ),
        IpAddr::V4(address) if address.is_loopback() && net.prefix >= 8 => Some(inside(text)),
        IpAddr::V6(address) if address.is_loopback() => Some(inside(text)),
        _ => None,
    }
}

fn inside(text: &str) -> Message {
    Message::new(N_(
        "“{target}” is the app's own computer inside, which it always reaches; for a service of this computer write “host” and its port, like “host:631”",
    ))
    .with("target", text)
}
