//! By which names the app knows an address: what it was told, as long as that holds and a while longer.
//!
//! Rules, questions and the log speak of names, and the kernel of addresses. An app that resolves
//! without end must not fill the memory: the addresses that would be forgotten first make room.

use crate::policy::Learned;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The most addresses.
const MOST: usize = 2048;
/// The most names of one.
const MOST_NAMES: usize = 8;
/// How much longer a name leads to an address than its time to live says, which many programs do not
/// keep to.
const LONGER: Duration = Duration::from_secs(600);

/// What is known of an address.
#[derive(Debug)]
struct Known {
    names: Vec<(String, Instant)>,
}

/// An address with its names, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The address.
    pub address: IpAddr,
    /// Its names.
    pub names: Vec<String>,
    /// For how long.
    pub time: Duration,
}

/// All addresses that have names.
#[derive(Debug, Default)]
pub struct Names {
    known: HashMap<IpAddr, Known>,
}

impl Names {
    /// What an answer tells, as it is to be remembered.
    #[must_use]
    pub fn live(learned: &[Learned]) -> Vec<Live> {
        let live = |one: &Learned| Live {
            address: one.address,
            names: one.names.clone(),
            time: Duration::from_secs(one.ttl.into()) + LONGER,
        };
        learned.iter().map(live).collect()
    }

    /// Remembers names.
    pub fn learn(&mut self, live: &[Live], now: Instant) {
        for Live { address, names, time } in live {
            if !self.known.contains_key(address) && self.known.len() >= MOST {
                self.make_room(now);
            }
            let known = self.known.entry(*address).or_insert_with(|| Known { names: Vec::new() });
            // What was asked for last stands first.
            known.names.retain(|(name, until)| !names.contains(name) && *until > now);
            let new = names.iter().map(|name| (name.clone(), now + *time));
            known.names.splice(0..0, new);
            known.names.truncate(MOST_NAMES);
        }
    }

    /// The names of an address, what was asked for last first.
    #[must_use]
    pub fn of(&self, address: IpAddr, now: Instant) -> Vec<String> {
        let names = self.known.get(&address).map_or(&[][..], |known| &known.names);
        names.iter().filter(|(_, until)| *until > now).map(|(name, _)| name.clone()).collect()
    }

    /// The name of an address that was asked for last, also when it does not lead there any more.
    #[must_use]
    pub fn last(&self, address: IpAddr) -> Option<&str> {
        self.known.get(&address)?.names.first().map(|(name, _)| name.as_str())
    }

    /// Has the names of an address lead there for a while longer, as when something goes there.
    pub fn prolong(&mut self, address: IpAddr, now: Instant) {
        let known = self.known.get_mut(&address).map_or(&mut [][..], |known| &mut known.names);
        known.iter_mut().for_each(|(_, until)| *until = (*until).max(now + LONGER));
    }

    /// All of it.
    #[must_use]
    pub fn all(&self, now: Instant) -> Vec<Live> {
        let mut all = Vec::new();
        for address in self.known.keys() {
            let names = self.of(*address, now);
            let until = self.until(address);
            if let (false, Some(until)) = (names.is_empty(), until) {
                let time = until.saturating_duration_since(now);
                all.push(Live { address: *address, names, time });
            }
        }
        all
    }

    fn until(&self, address: &IpAddr) -> Option<Instant> {
        self.known.get(address)?.names.iter().map(|(_, until)| *until).max()
    }

    /// Forgets what does not hold any more, or else a quarter, that which holds least long.
    fn make_room(&mut self, now: Instant) {
        self.known.retain(|_, known| known.names.iter().any(|(_, until)| *until > now));
        if self.known.len() < MOST {
            return;
        }
        let mut untils: Vec<_> = self.known.keys().filter_map(|one| self.until(one)).collect();
        untils.sort_unstable();
        if let Some(least) = untils.get(MOST / 4).copied() {
            let lasts = |known: &Known| known.names.iter().any(|(_, until)| *until >= least);
            self.known.retain(|_, known| lasts(known));
        }
        // They all hold as long.
        while self.known.len() >= MOST
            && let Some(any) = self.known.keys().next().copied()
        {
            self.known.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn learned(address: u32, names: &[&str], ttl: u32) -> Vec<Live> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let address = Ipv4Addr::from_bits(address).into();
        Names::live(&[Learned { address, names, ttl }])
    }

    #[test]
    fn an_address_has_the_names_that_led_to_it_for_a_time() {
        let (mut names, now) = (Names::default(), Instant::now());
        names.learn(&learned(1, &["a", "cdn"], 10), now);
        names.learn(&learned(1, &["b", "cdn"], 100), now);
        let address = Ipv4Addr::from_bits(1).into();
        assert_eq!(names.of(address, now), ["b", "cdn", "a"]);
        let later = now + LONGER + Duration::from_secs(50);
        assert_eq!(names.of(address, later), ["b", "cdn"]);
        assert_eq!(names.all(later)[0].time, Duration::from_secs(50));
        let last = later + LONGER;
        assert!(names.all(last).is_empty() && names.last(address) == Some("b"));
        names.prolong(address, last);
        assert_eq!(names.all(last)[0].time, LONGER);
        for number in 0..100 {
            names.learn(&learned(1, &[&number.to_string()], 10), now);
        }
        assert_eq!(names.of(address, now).len(), MOST_NAMES);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut names, now) = (Names::default(), Instant::now());
        for number in 0..u32::try_from(2 * MOST).unwrap() {
            names.learn(&learned(number, &["a"], number), now);
        }
        assert!(names.known.len() <= MOST && names.known.len() >= MOST / 2);
        assert!(names.of(Ipv4Addr::from_bits(0).into(), now).is_empty());
        assert!(!names.of(Ipv4Addr::from_bits(4095).into(), now).is_empty());
    }
}
