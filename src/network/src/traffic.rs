//! What is told of how much went where: each destination by the name that the app asked for, where there is
//! one, and what the two families come to.
//!
//! An app can speak with any number of places; those with connections, and those that most went to, are
//! told one by one, and of the others how many there are.

use crate::flow::{Connection, Destination, Traffic};
use arkose_profile::net::Protocol;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

/// The most destinations that are told: with the longest names they fit into a line.
const MOST: usize = 64;
/// The most addresses of one.
const MOST_ADDRESSES: usize = 8;

/// What went to one place, or to all of a family, and came from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sum {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// Connections that there are now; none when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
}

/// What is known of both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Families {
    /// Of IPv4.
    pub ipv4: Sum,
    /// Of IPv6.
    pub ipv6: Sum,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The name that the app asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its addresses, or some of them.
    pub addresses: Vec<IpAddr>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port, where there are ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How much.
    #[serde(flatten)]
    pub families: Families,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What the families come to.
    #[serde(flatten)]
    pub families: Families,
    /// The destinations that are told one by one.
    pub destinations: Vec<Place>,
    /// How many others there are.
    pub more: usize,
}

impl Families {
    fn of(&mut self, address: IpAddr) -> &mut Sum {
        if address.is_ipv6() { &mut self.ipv6 } else { &mut self.ipv4 }
    }

    /// With no connections, where they are known.
    fn new(known: bool) -> Self {
        let sum = Sum { connections: known.then_some(0), ..Sum::default() };
        Self { ipv4: sum, ipv6: sum }
    }

    /// How early it is told, less being earlier.
    fn rank(&self) -> Reverse<(bool, u64)> {
        let both = [self.ipv4, self.ipv6];
        let bytes = both.iter().map(|sum| sum.sent.saturating_add(sum.received));
        let open = both.iter().any(|sum| sum.connections.is_some_and(|count| count > 0));
        Reverse((open, bytes.fold(0, u64::saturating_add)))
    }
}

/// What makes a destination one: its name, or else its address; the protocol and the port.
type Key = (Result<String, IpAddr>, Protocol, u16);

/// Gathers destinations.
struct Gathered<N> {
    name: N,
    known: bool,
    places: HashMap<Key, Place>,
}

impl<N: Fn(IpAddr) -> Option<String>> Gathered<N> {
    /// What is known of one, to be added to.
    fn sum(&mut self, to: &Destination) -> &mut Sum {
        let name = (self.name)(to.address);
        let key = (name.clone().ok_or(to.address), to.protocol, to.port);
        let place = self.places.entry(key).or_insert_with(|| Place {
            name,
            addresses: Vec::new(),
            protocol: to.protocol,
            port: to.protocol.has_ports().then_some(to.port),
            families: Families::new(self.known),
        });
        if place.addresses.len() < MOST_ADDRESSES && !place.addresses.contains(&to.address) {
            place.addresses.push(to.address);
        }
        place.families.of(to.address)
    }
}

impl Told {
    /// Of what was counted, and the connections that there are.
    pub fn of(
        counts: &[Traffic],
        open: Option<&[Connection]>,
        name: impl Fn(IpAddr) -> Option<String>,
    ) -> Self {
        let mut families = Families::new(open.is_some());
        let mut gathered = Gathered { name, known: open.is_some(), places: HashMap::new() };
        for Traffic { to, sent, received } in counts {
            for sum in [families.of(to.address), gathered.sum(to)] {
                sum.sent = sum.sent.saturating_add(*sent);
                sum.received = sum.received.saturating_add(*received);
            }
        }
        for Connection { to, .. } in open.unwrap_or_default() {
            for sum in [families.of(to.address), gathered.sum(to)] {
                sum.connections = sum.connections.map(|count| count.saturating_add(1));
            }
        }
        let mut destinations: Vec<Place> = gathered.places.into_values().collect();
        destinations.sort_by_key(|place| place.families.rank());
        let more = destinations.len().saturating_sub(MOST);
        destinations.truncate(MOST);
        Self { families, destinations, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(address: &str, port: u16) -> Destination {
        Destination { address: address.parse().unwrap(), protocol: Protocol::Tcp, port }
    }

    #[test]
    fn a_name_is_one_destination_in_both_families() {
        let count = |to, sent, received| Traffic { to, sent, received };
        let counts = [
            count(to("192.0.2.1", 443), 10, 20),
            count(to("2001:db8::1", 443), 1, 2),
            count(to("192.0.2.2", 443), 500, 500),
        ];
        let open = [Connection { to: to("2001:db8::1", 443), generation: 1 }; 2];
        let name = |address: IpAddr| {
            let named = address.is_ipv6() || address.to_string().ends_with('1');
            named.then(|| "a.example".to_owned())
        };
        let told = Told::of(&counts, Some(&open), name);
        let sum = |sent, received, count| Sum { sent, received, connections: Some(count) };
        assert_eq!(told.families, Families { ipv4: sum(510, 520, 0), ipv6: sum(1, 2, 2) });
        // What is connected is told first.
        let [named, other] = &told.destinations[..] else { panic!("{told:?}") };
        assert_eq!(named.families, Families { ipv4: sum(10, 20, 0), ipv6: sum(1, 2, 2) });
        assert_eq!((named.name.as_deref(), named.addresses.len()), (Some("a.example"), 2));
        assert_eq!((&other.name, other.port), (&None, Some(443)));
        // Nothing is said of connections where nothing is known.
        let told = serde_json::to_value(Told::of(&counts, None, name)).unwrap();
        assert_eq!(told["ipv4"], serde_json::json!({ "sent": 510, "received": 520 }));
    }

    #[test]
    fn any_number_of_destinations_fits_into_a_line_and_the_totals_hold() {
        let counts: Vec<Traffic> = (1..=u16::MAX)
            .map(|port| Traffic { to: to("192.0.2.1", port), sent: u64::MAX / 2, received: 1 })
            .collect();
        let told = Told::of(&counts, Some(&[]), |_| Some("x".repeat(256)));
        assert_eq!((told.families.ipv4.sent, told.families.ipv4.received), (u64::MAX, 65535));
        assert_eq!((told.destinations.len(), told.more), (MOST, 65535 - MOST));
        assert!(serde_json::to_string(&told).unwrap().len() < 60_000);
    }
}
