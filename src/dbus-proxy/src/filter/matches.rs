//! The match rules of one connection, so far as their number is bounded: the bus keeps each of them for
//! as long as the connection lasts, and all programs of the user pay for it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// The most of one connection; a desktop's panel has a few hundred.
const MOST: usize = 4096;

/// Which there are, how often each. The texts are the bus's to keep.
#[derive(Debug, Default)]
pub(super) struct Matches {
    hasher: RandomState,
    counts: HashMap<u64, usize>,
    total: usize,
}

impl Matches {
    /// Adds one; false when there are too many.
    pub(super) fn add(&mut self, rule: &str) -> bool {
        if self.total >= MOST {
            return false;
        }
        self.total += 1;
        *self.counts.entry(self.hasher.hash_one(rule)).or_default() += 1;
        true
    }

    /// Removes one, if there is such a one.
    pub(super) fn remove(&mut self, rule: &str) {
        let key = self.hasher.hash_one(rule);
        if let Some(count) = self.counts.get_mut(&key) {
            *count -= 1;
            self.total -= 1;
            if *count == 0 {
                self.counts.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_added_makes_no_room() {
        let mut matches = Matches::default();
        for number in 0..MOST {
            assert!(matches.add(&format!("arg0='{number}'")));
        }
        matches.remove("arg0='never'");
        assert!(!matches.add("arg0='more'"));
        matches.remove("arg0='7'");
        assert!(matches.add("arg0='more'") && !matches.add("arg0='7'"));
    }
}
