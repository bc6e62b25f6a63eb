//! Whether any port of an address can be reached: what a resolver asks before it gives an answer away.
//!
//! A name that leads into the local network is how a page from outside reaches what is in there (DNS
//! rebinding). An address of which no port could be reached is no answer.

use super::decide::{Place, Rules};
use super::ports::{Ports, Protocol};
use super::{Rule, Verdict};
use std::net::IpAddr;

impl Rules {
    /// Whether a connection to an address that is not this computer's could be allowed or asked about, for
    /// some port; `names` are those for which the app would be given it.
    #[must_use]
    pub fn may_reach(&self, address: IpAddr, names: &[String]) -> bool {
        self.reaches(Place::new(address, false, names), false)
    }

    /// The same for the addresses that stand for this computer: all of them are alike.
    #[must_use]
    pub fn may_reach_host(&self) -> bool {
        self.reaches(Place::new(IpAddr::from([0, 0, 0, 0]), true, &[]), true)
    }

    fn reaches(&self, place: Place<'_>, is_host: bool) -> bool {
        let mut met: Vec<&Rule> = self.list.iter().filter(|rule| place.is_met_by(rule)).collect();
        met.sort_by_key(|rule| rule.key());
        let mut left = Left::all();
        for rule in met {
            let some = left.take(&rule.ports);
            if some && rule.verdict != Verdict::Deny {
                return true;
            }
        }
        self.otherwise(is_host) != Verdict::Deny && left.any()
    }
}

/// The ports that no rule has decided about yet, as ranges in order.
struct Left {
    tcp: Vec<(u16, u16)>,
    udp: Vec<(u16, u16)>,
    icmp: bool,
}

impl Left {
    fn all() -> Self {
        Self { tcp: vec![(0, u16::MAX)], udp: vec![(0, u16::MAX)], icmp: true }
    }

    fn any(&self) -> bool {
        self.icmp || !self.tcp.is_empty() || !self.udp.is_empty()
    }

    /// Takes ports out; whether any of them was left.
    fn take(&mut self, ports: &Ports) -> bool {
        let range = ports.range.unwrap_or((0, u16::MAX));
        let mut some = false;
        if ports.covers(Protocol::Tcp) {
            some |= cut(&mut self.tcp, range);
        }
        if ports.covers(Protocol::Udp) {
            some |= cut(&mut self.udp, range);
        }
        if ports.covers(Protocol::Icmp) {
            some |= std::mem::take(&mut self.icmp);
        }
        some
    }
}

/// Cuts a range out of others; whether it met any of them.
fn cut(ranges: &mut Vec<(u16, u16)>, (first, last): (u16, u16)) -> bool {
    let mut met = false;
    let mut kept = Vec::with_capacity(ranges.len() + 1);
    for &(from, to) in ranges.iter() {
        if to < first || from > last {
            kept.push((from, to));
            continue;
        }
        met = true;
        if from < first {
            kept.push((from, first - 1));
        }
        if to > last {
            kept.push((last + 1, to));
        }
    }
    *ranges = kept;
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_their_ends() {
        let mut ranges = vec![(0, u16::MAX)];
        assert!(cut(&mut ranges, (0, 0)) && cut(&mut ranges, (u16::MAX, u16::MAX)));
        assert!(cut(&mut ranges, (80, 90)) && !cut(&mut ranges, (80, 90)));
        assert_eq!(ranges, [(1, 79), (91, u16::MAX - 1)]);
        assert!(cut(&mut ranges, (0, 100)) && cut(&mut ranges, (50, u16::MAX)));
        assert!(ranges.is_empty());
    }
}
