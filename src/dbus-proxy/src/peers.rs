//! Who is on the bus, as far as rules are about it: which names a connection owns, and which
//! connections called the app and may be answered.

use std::collections::{HashMap, HashSet, VecDeque};

/// The most connections without names that are remembered, and the most unanswered calls.
const MOST: usize = 4096;

/// What is known of one connection.
#[derive(Debug, Default)]
struct Peer {
    names: Vec<String>,
    /// The serials of its calls that the app has not answered.
    calls: HashSet<u32>,
    /// Whether the app may know of it; it stays so when it has lost its names.
    visible: bool,
}

/// The connections that are known, by their unique names.
#[derive(Debug, Default)]
pub struct Peers {
    known: HashMap<String, Peer>,
    owners: HashMap<String, String>,
    /// Those that had no name when they were last heard of, oldest first.
    nameless: VecDeque<String>,
    unanswered: usize,
}

impl Peers {
    /// The well-known names of a connection.
    pub fn names(&self, unique: &str) -> impl Iterator<Item = &str> + Clone {
        self.known.get(unique).into_iter().flat_map(|peer| peer.names.iter().map(String::as_str))
    }

    /// Who owns a name.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<&str> {
        self.owners.get(name).map(String::as_str)
    }

    /// A name has another owner, or none.
    pub fn owned(&mut self, name: &str, owner: Option<&str>) {
        if let Some(old) = self.owners.remove(name)
            && let Some(peer) = self.known.get_mut(&old)
        {
            peer.names.retain(|other| other != name);
            if peer.names.is_empty() {
                self.forget_oldest(old);
            }
        }
        if let Some(owner) = owner {
            self.owners.insert(name.to_owned(), owner.to_owned());
            self.known.entry(owner.to_owned()).or_default().names.push(name.to_owned());
        }
    }

    /// A connection is gone.
    pub fn gone(&mut self, unique: &str) {
        if let Some(peer) = self.known.remove(unique) {
            self.unanswered -= peer.calls.len().min(self.unanswered);
            for name in peer.names {
                self.owners.remove(&name);
            }
        }
    }

    /// The app may know of that connection.
    pub fn show(&mut self, unique: &str) {
        if let Some(peer) = self.known.get_mut(unique) {
            peer.visible = true;
        }
    }

    /// Whether the app may know of that connection.
    #[must_use]
    pub fn is_visible(&self, unique: &str) -> bool {
        self.known.get(unique).is_some_and(|peer| peer.visible)
    }

    /// A connection calls the app, and so makes itself known. Answers whether the call can be
    /// remembered, where that is needed.
    pub fn called(&mut self, unique: &str, serial: Option<u32>) -> bool {
        if !self.known.contains_key(unique) {
            self.known.insert(unique.to_owned(), Peer::default());
            self.forget_oldest(unique.to_owned());
        }
        let Some(peer) = self.known.get_mut(unique) else { return false };
        peer.visible = true;
        if let Some(serial) = serial {
            if self.unanswered >= MOST {
                return false;
            }
            if peer.calls.insert(serial) {
                self.unanswered += 1;
            }
        }
        true
    }

    /// The app answers a call: whether there was one, which is then answered.
    pub fn answered(&mut self, unique: &str, serial: u32) -> bool {
        let was = self.known.get_mut(unique).is_some_and(|peer| peer.calls.remove(&serial));
        self.unanswered -= usize::from(was);
        was
    }

    /// Adds one without names, and forgets the oldest when there are too many.
    fn forget_oldest(&mut self, new: String) {
        self.nameless.push_back(new);
        while self.nameless.len() > MOST {
            let Some(oldest) = self.nameless.pop_front() else { return };
            if self.known.get(&oldest).is_some_and(|peer| peer.names.is_empty()) {
                self.gone(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_move_from_one_owner_to_another() {
        let mut peers = Peers::default();
        peers.owned("org.a.A", Some(":1.5"));
        peers.owned("org.a.B", Some(":1.5"));
        assert_eq!(peers.names(":1.5").collect::<Vec<_>>(), ["org.a.A", "org.a.B"]);
        peers.owned("org.a.A", Some(":1.6"));
        assert_eq!(peers.names(":1.5").collect::<Vec<_>>(), ["org.a.B"]);
        assert_eq!(peers.owner("org.a.A"), Some(":1.6"));
        peers.gone(":1.6");
        assert_eq!(peers.owner("org.a.A"), None);
    }

    #[test]
    fn a_call_is_answered_once_and_by_whom_it_was_made() {
        let mut peers = Peers::default();
        assert!(peers.called(":1.5", Some(7)));
        assert!(!peers.answered(":1.6", 7) && !peers.answered(":1.5", 8));
        assert!(peers.answered(":1.5", 7) && !peers.answered(":1.5", 7));
        assert!(peers.is_visible(":1.5") && !peers.is_visible(":1.6"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut peers = Peers::default();
        peers.owned("org.a.A", Some(":1.1"));
        for number in 0..3 * MOST {
            peers.called(&format!(":2.{number}"), None);
        }
        assert!(peers.known.len() <= MOST + 1 && peers.nameless.len() <= MOST);
        assert_eq!(peers.owner("org.a.A"), Some(":1.1"));
        let mut calls = 0;
        while peers.called(":3.1", Some(calls)) && calls < 1 << 20 {
            calls += 1;
        }
        assert_eq!(calls as usize, MOST);
    }
}
