//! How much went where, as the program of a network tells it.

use arkose_profile::net::Protocol;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

/// The most destinations that are taken.
const MOST: usize = 64;
/// The most addresses of one.
const MOST_ADDRESSES: usize = 8;
/// The longest name, in characters.
const LONGEST: usize = 256;

/// What went one place, or to all of a family, and came from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// Bytes sent, with the headers of IP.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// Connections that there are now; none when that is not known.
    #[serde(default)]
    pub connections: Option<u64>,
}

impl Sum {
    /// Both ways.
    #[must_use]
    pub fn both(&self) -> u64 {
        self.sent.saturating_add(self.received)
    }
}

/// What is known of both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Families {
    /// Of IPv4.
    pub ipv4: Sum,
    /// Of IPv6.
    pub ipv6: Sum,
}

impl Families {
    /// The two together.
    #[must_use]
    pub fn total(&self) -> Sum {
        let (a, b) = (self.ipv4, self.ipv6);
        Sum {
            sent: a.sent.saturating_add(b.sent),
            received: a.received.saturating_add(b.received),
            connections: a.connections.zip(b.connections).map(|(a, b)| a.saturating_add(b)),
        }
    }
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The name that the app asked for. It comes from the app: it is to be shown with care.
    #[serde(default)]
    pub name: Option<String>,
    /// Its addresses, or some of them.
    pub addresses: Vec<IpAddr>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port, where there are ports.
    #[serde(default)]
    pub port: Option<u16>,
    /// How much.
    #[serde(flatten)]
    pub families: Families,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// What the families come to, also with the destinations that are not told.
    #[serde(flatten)]
    pub families: Families,
    /// The destinations: first those with connections, and of each kind first those that most went to.
    pub destinations: Vec<Destination>,
    /// How many others there are.
    pub more: u64,
}

impl Traffic {
    /// Reads it; what is too long is cut, and what is none is none.
    pub(crate) fn read(told: &Value) -> Option<Self> {
        let mut traffic: Self = serde_json::from_value(told.clone()).ok()?;
        traffic.destinations.truncate(MOST);
        for one in &mut traffic.destinations {
            one.addresses.truncate(MOST_ADDRESSES);
            let name = one.name.take();
            one.name = name.map(|name| name.chars().take(LONGEST).collect());
        }
        Some(traffic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_read_and_bounded() {
        let sum = json!({ "sent": 1, "received": 2, "connections": 3, "evil": 1 });
        let one = json!({ "name": "x".repeat(9000), "addresses": vec!["192.0.2.1"; 100],
            "protocol": "tcp", "port": 443, "ipv4": sum, "ipv6": sum });
        let all = json!({ "ipv4": sum, "ipv6": { "sent": 1, "received": 1 }, "more": 5,
            "destinations": vec![one; 100] });
        let read = Traffic::read(&all).unwrap();
        assert_eq!((read.destinations.len(), read.more), (MOST, 5));
        let first = &read.destinations[0];
        assert_eq!(first.name.as_ref().unwrap().len(), LONGEST);
        assert_eq!((first.addresses.len(), first.families.total().both()), (MOST_ADDRESSES, 6));
        assert_eq!(
            (first.families.total().connections, read.families.total().connections),
            (Some(6), None)
        );
        assert!(!serde_json::to_string(&read).unwrap().contains("evil"));
        for wrong in [json!(null), json!({}), json!({ "ipv4": 1 })] {
            assert_eq!(Traffic::read(&wrong), None);
        }
    }
}
