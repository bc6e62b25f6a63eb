//! Protocols and ports: the part of a rule behind its target.
//!
//! Where it names nothing, a rule is about TCP, UDP and echo requests; where it names ports alone,
//! about TCP and UDP. Other protocols are reached by no rule.

use crate::i18n::{Message, N_};
use crate::nearest::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A protocol of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
    /// Echo requests, as `ping` sends them; of both families.
    Icmp,
}

impl Protocol {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Icmp];

    /// As written in a rule.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    /// The protocol written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether it has ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        self != Self::Icmp
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which protocols and ports; without either, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ports {
    /// One protocol; `None` for TCP, UDP and, where no port is named, echo requests.
    pub protocol: Option<Protocol>,
    /// The first and the last port; `None` for all.
    pub range: Option<(u16, u16)>,
}

impl Ports {
    /// Everything.
    pub const ALL: Self = Self { protocol: None, range: None };

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// Whether it is about some ports of that protocol, or about its echo requests.
    #[must_use]
    pub fn covers(&self, protocol: Protocol) -> bool {
        self.protocol.map_or(protocol.has_ports() || self.range.is_none(), |one| one == protocol)
    }

    /// Whether it matches a connection; the port of an echo request does not matter.
    #[must_use]
    pub fn matches(&self, protocol: Protocol, port: u16) -> bool {
        self.covers(protocol)
            && self.range.is_none_or(|(first, last)| (first..=last).contains(&port))
    }

    /// Reads what stands behind the `:` and behind the last `/`.
    pub(super) fn parse(range: Option<&str>, protocol: Option<&str>) -> Result<Self, Message> {
        let protocol = protocol.map(read_protocol).transpose()?;
        let range = range.map(read_range).transpose()?;
        if protocol == Some(Protocol::Icmp) && range.is_some() {
            return Err(Message::new(N_(
                "“icmp” has no ports; leave the port out, or write “/tcp”",
            )));
        }
        Ok(Self { protocol, range })
    }
}

impl fmt::Display for Ports {
    /// `[:PORT[-PORT]][/PROTOCOL]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some((first, last)) if first == last => write!(f, ":{first}")?,
            Some((first, last)) => write!(f, ":{first}-{last}")?,
            None => {}
        }
        self.protocol.map_or(Ok(()), |protocol| write!(f, "/{protocol}"))
    }
}

fn read_protocol(text: &str) -> Result<Protocol, Message> {
    Protocol::parse(text).ok_or_else(|| {
        let known = Protocol::ALL.map(Protocol::as_str);
        let message = match nearest(text, known) {
            Some(near) => Message::new(N_(
                "“{protocol}” is no protocol; behind the “/” comes tcp, udp or icmp. Did you mean “{near}”?",
            ))
            .with("near", near),
            None => Message::new(N_(
                "“{protocol}” is no protocol; behind the “/” comes tcp, udp or icmp",
            )),
        };
        message.with("protocol", text)
    })
}

fn read_range(text: &str) -> Result<(u16, u16), Message> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (read_port(first)?, read_port(last)?),
        None => (read_port(text)?, read_port(text)?),
    };
    if first > last {
        let message = Message::new(N_("the ports “{ports}” end before they begin"));
        return Err(message.with("ports", text));
    }
    Ok((first, last))
}

fn read_port(text: &str) -> Result<u16, Message> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.parse().ok().filter(|port| digits && *port > 0);
    read.ok_or_else(|| {
        let pattern = match text {
            "" => N_("the port is missing; behind the “:” comes a number from 1 to 65535"),
            "*" => N_("for every port leave “:*” out"),
            _ => N_("“{port}” is no port; one is a number from 1 to 65535"),
        };
        Message::new(pattern).with("port", text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_protocol_ports_are_those_of_tcp_and_udp() {
        let ports = |range, protocol| Ports::parse(range, protocol).unwrap();
        let all = ports(None, None);
        assert!(Protocol::ALL.iter().all(|protocol| all.matches(*protocol, 0)));
        let web = ports(Some("443"), None);
        assert!(web.matches(Protocol::Tcp, 443) && web.matches(Protocol::Udp, 443));
        assert!(!web.matches(Protocol::Tcp, 444) && !web.matches(Protocol::Icmp, 443));
        let many = ports(Some("1000-2000"), Some("udp"));
        assert!(many.matches(Protocol::Udp, 1000) && many.matches(Protocol::Udp, 2000));
        assert!(!many.matches(Protocol::Tcp, 1000) && !many.matches(Protocol::Udp, 2001));
        let echo = ports(None, Some("icmp"));
        assert!(echo.matches(Protocol::Icmp, 0) && !echo.matches(Protocol::Tcp, 1));
        assert_eq!(ports(Some("80-80"), Some("TCP")).to_string(), ":80/tcp");
    }
}
