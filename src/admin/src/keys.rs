//! The keys of the file, and what each takes. The values of a key that caps an option of a profile
//! are that option's own.

use arkose_profile::nearest;
use arkose_profile::options::{self, option};

/// A key of `[default]` and of a `[[rule]]`.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// The option of a profile that it caps; empty where it caps more than one.
    pub(crate) option: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words of a fixed set.
    Words(&'static [&'static str]),
    /// Values of the option.
    Choices,
    /// Whether the option may be on, or have the value that the key is named for.
    Switch,
    /// Classes of devices, and paths or patterns below `/dev`.
    Devices,
    /// Paths, absolute or below `~`.
    Paths,
    /// Names of network bridges.
    Bridges,
    /// The most of a number of bytes.
    Size,
    /// The most of a number.
    Count,
}

const fn key(name: &'static str, kind: Kind, option: &'static str) -> Key {
    Key { name, kind, option }
}

pub(crate) const ACTIONS: &str = "actions";
pub(crate) const RUNAS_ROOT: &str = "runas-root";
pub(crate) const NETWORK: &str = "network";
pub(crate) const ZONES: &str = "zones";
pub(crate) const DEVICES: &str = "devices";
pub(crate) const BIND_ROOTS: &str = "bind-roots";
pub(crate) const OFF_LIMITS: &str = "off-limits";
pub(crate) const MAX_COW_SIZE: &str = "max-cow-size";
pub(crate) const MAX_MEMORY: &str = "max-memory";
pub(crate) const MAX_PROCESSES: &str = "max-processes";

/// Every key, in the order in which it is judged.
pub(crate) static KEYS: &[Key] = &[
    key(ACTIONS, Kind::Words(&["launch", "admin"]), ""),
    key(RUNAS_ROOT, Kind::Switch, "runas"),
    key(NETWORK, Kind::Choices, "network"),
    key(ZONES, Kind::Bridges, "network-rules.zone"),
    key("xserver", Kind::Choices, "xserver"),
    key("wayland", Kind::Choices, "wayland"),
    key("dbus", Kind::Choices, "dbus"),
    key("pulseaudio", Kind::Switch, "pulseaudio"),
    key(DEVICES, Kind::Devices, "devices"),
    key("user-namespaces", Kind::Switch, "user-namespaces"),
    key("home", Kind::Choices, "files.home"),
    key(BIND_ROOTS, Kind::Paths, ""),
    key(OFF_LIMITS, Kind::Paths, ""),
    key(MAX_COW_SIZE, Kind::Size, "limits.cow-size"),
    key(MAX_MEMORY, Kind::Size, "limits.memory"),
    key(MAX_PROCESSES, Kind::Count, "limits.processes"),
];

/// Whom a rule is for.
pub(crate) const USERS: &str = "users";
pub(crate) const GROUPS: &str = "groups";

/// The key of that name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The name that was meant; `rule` when it stands in one.
pub(crate) fn near(name: &str, rule: bool) -> Option<&'static str> {
    let whom = [USERS, GROUPS].into_iter().filter(|_| rule);
    nearest(name, KEYS.iter().map(|key| key.name).chain(whom))
}

impl Key {
    /// The words that it takes, where those are fixed; the first is what it allows in any case.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::Words(words) => words.to_vec(),
            Kind::Choices => match option(self.option).map(|option| option.kind) {
                Some(options::Kind::Choice(choices)) => {
                    choices.iter().map(|choice| choice.value).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_caps_an_option_and_the_first_choice_is_the_closed_one() {
        for key in KEYS.iter().filter(|key| !key.option.is_empty()) {
            let option = option(key.option).expect(key.name);
            if key.kind == Kind::Choices {
                let first = key.words()[0];
                assert!(matches!(first, "none" | "empty"), "{}: {first}", key.name);
                assert_eq!(option.default, format!("\"{first}\""), "{}", key.name);
            }
        }
    }
}
