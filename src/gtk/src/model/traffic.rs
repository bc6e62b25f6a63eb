//! How much an app sends and receives over the network, as the page of a sandbox shows it.

use arkose_profile::text::visible;
use arkose_session::host::Host;
use arkose_session::running::{self, Destination, Families, Sum};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use arkose_session::running::{NoAnswer, Traffic};

/// How many seconds are kept.
pub const SECONDS: usize = 60;
/// How many letters of a name are shown.
const LONGEST: usize = 100;

/// What a sandbox sent where. It waits for the supervisor, and is no work for the main loop.
///
/// # Errors
/// When that is not known.
pub fn read(id: &str) -> Result<Traffic, NoAnswer> {
    running::find(&Host::current(), id).map_err(|_| NoAnswer::Silent)?.traffic()
}

/// What a row shows of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The name that the app asked for, or the address.
    pub name: String,
    /// How it goes there: the port and the protocol.
    pub port: String,
    /// The families that were used.
    pub families: Vec<&'static str>,
    /// All that went there.
    pub sum: Sum,
}

impl Shown {
    /// Of a destination. A name comes from the app: nothing in it is hidden, and it has an end.
    #[must_use]
    pub fn of(one: &Destination) -> Self {
        let address = || one.addresses.first().map(ToString::to_string).unwrap_or_default();
        let name = one.name.as_ref().map_or_else(address, |name| visible(name.as_bytes()));
        let name = match name.char_indices().nth(LONGEST) {
            Some((end, _)) => name.get(..end).unwrap_or_default().to_owned() + "…",
            None => name,
        };
        let protocol = one.protocol;
        let port =
            one.port.map_or_else(|| protocol.to_string(), |port| format!("{port}/{protocol}"));
        let families = [("IPv6", one.families.ipv6), ("IPv4", one.families.ipv4)];
        let used = |sum: &Sum| sum.both() > 0 || sum.connections.is_some_and(|count| count > 0);
        let families =
            families.iter().filter(|(_, sum)| used(sum)).map(|(name, _)| *name).collect();
        Self { name, port, families, sum: one.families.total() }
    }

    /// Whether it is the same destination at another time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.name, &self.port) == (&other.name, &other.port)
    }
}

/// Bytes of each family in a second: IPv6 and IPv4.
pub type Second = [u64; 2];

/// The last minute.
#[derive(Debug, Default)]
pub struct History {
    last: Option<(Families, Instant)>,
    seconds: VecDeque<Second>,
}

impl History {
    /// What was counted until now. Seconds in which nobody looked have each the same part of what went
    /// in them.
    pub fn push(&mut self, now: Families, at: Instant) {
        let Some((before, then)) = self.last else {
            self.last = Some((now, at));
            return;
        };
        let passed = at.saturating_duration_since(then) + Duration::from_millis(200);
        let passed = passed.as_secs().max(1);
        let went = |now: Sum, before: Sum| now.both().saturating_sub(before.both()) / passed;
        let second = [went(now.ipv6, before.ipv6), went(now.ipv4, before.ipv4)];
        let count = usize::try_from(passed).unwrap_or(SECONDS).min(SECONDS);
        self.seconds.extend(std::iter::repeat_n(second, count));
        let surplus = self.seconds.len().saturating_sub(SECONDS);
        self.seconds.drain(..surplus);
        self.last = Some((now, at));
    }

    /// The seconds, the oldest first.
    pub fn seconds(&self) -> impl Iterator<Item = Second> {
        self.seconds.iter().copied()
    }

    /// What went in all of them.
    #[must_use]
    pub fn total(&self) -> Second {
        let add =
            |[a6, a4]: Second, [b6, b4]: Second| [a6.saturating_add(b6), a4.saturating_add(b4)];
        self.seconds().fold([0; 2], add)
    }

    /// The most that went in one of them.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.seconds().map(|[six, four]| six.saturating_add(four)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::Protocol;

    fn families(six: u64, four: u64) -> Families {
        let sum = |sent| Sum { sent, received: sent, connections: Some(0) };
        Families { ipv6: sum(six), ipv4: sum(four) }
    }

    #[test]
    fn the_last_minute_is_kept_second_by_second() {
        let (mut history, start) = (History::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        history.push(families(500, 500), at(0));
        assert_eq!((history.seconds().count(), history.most()), (0, 0));
        history.push(families(505, 500), at(1));
        // Nobody looked for a while.
        history.push(families(505, 520), at(5));
        assert_eq!(
            history.seconds().collect::<Vec<_>>(),
            [[10, 0], [0, 10], [0, 10], [0, 10], [0, 10]]
        );
        assert_eq!((history.total(), history.most()), ([10, 40], 10));
        history.push(families(505, 520), at(9999));
        assert_eq!((history.seconds().count(), history.total()), (SECONDS, [0, 0]));
    }

    #[test]
    fn nothing_of_a_name_is_hidden() {
        let mut one = Destination {
            name: Some(format!("\u{202e}{}", "x".repeat(300))),
            addresses: vec!["2001:db8::1".parse().unwrap()],
            protocol: Protocol::Tcp,
            port: Some(443),
            families: families(1, 0),
        };
        let shown = Shown::of(&one);
        assert!(shown.name.starts_with("\\u{202e}") && shown.name.ends_with('…'));
        assert_eq!((shown.port.as_str(), &shown.families[..]), ("443/tcp", &["IPv6"][..]));
        (one.name, one.port, one.protocol) = (None, None, Protocol::Icmp);
        let shown = Shown::of(&one);
        assert_eq!((shown.name.as_str(), shown.port.as_str()), ("2001:db8::1", "icmp"));
    }
}
