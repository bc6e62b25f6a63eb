//! The option table: every option of a profile, defined once.
//!
//! The window, the command line, `arkose explain`, the manual page and the file reader are
//! all drawn from [`OPTIONS`]; a new option is one entry there and one field in
//! [`Policy`](crate::Policy). Titles and summaries are message ids for gettext; whoever shows
//! them translates them.

mod buses;
mod conflicts;
mod devices;
mod network;
mod presets;
mod table;

pub use devices::DEVICE_CLASSES;
pub use presets::DBUS_PRESETS;
pub use table::OPTIONS;

use crate::bus::{Access, Bus, Rule};
use crate::i18n::N_;
use crate::net::Verdict;

/// The heading under which an option is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What is started, and as whom.
    App,
    /// Files and directories.
    Files,
    /// What the app reaches of the desktop: screen, bus, sound.
    Desktop,
    /// The network.
    Network,
    /// Hardware.
    Devices,
    /// Environment variables and what the kernel allows.
    Advanced,
}

impl Group {
    /// All groups in the order in which they are shown.
    pub const ALL: [Group; 6] =
        [Group::App, Group::Files, Group::Desktop, Group::Network, Group::Devices, Group::Advanced];

    /// The heading, a message id.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::App => N_("App"),
            Group::Files => N_("Files"),
            Group::Desktop => N_("Desktop"),
            Group::Network => N_("Network"),
            Group::Devices => N_("Devices"),
            Group::Advanced => N_("Advanced"),
        }
    }
}

/// How far a value opens the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// The app reaches nothing of the host through it.
    Contained,
    /// The app reaches something, and what it reaches is bounded.
    Partial,
    /// The app can act on the host through it.
    Open,
}

impl Risk {
    /// The level in one or two words, a message id.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Risk::Contained => N_("contained"),
            Risk::Partial => N_("partly open"),
            Risk::Open => N_("open"),
        }
    }

    /// The level for programs: `contained`, `partly-open` or `open`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Risk::Contained => "contained",
            Risk::Partial => "partly-open",
            Risk::Open => "open",
        }
    }
}

/// One value of an option that has a fixed set of them.
#[derive(Debug)]
pub struct Choice {
    /// As written in a profile and on the command line.
    pub value: &'static str,
    /// A noun, a message id.
    pub title: &'static str,
    /// One plain sentence: what it means for the app, a message id.
    pub summary: &'static str,
    /// How far it opens the sandbox.
    pub risk: Risk,
}

/// The type of an option's value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A line of text.
    Text,
    /// A program and its arguments; `%f %F %u %U` stand for the files of a launch.
    Command,
    /// `true` or `false`; the risk is that of `true`.
    Switch(Risk),
    /// One of a fixed set.
    Choice(&'static [Choice]),
    /// Absolute paths, or paths beginning with `~/`; the risk is that of each entry.
    Paths(Risk),
    /// Device classes (see [`DEVICE_CLASSES`]) or paths below `/dev`.
    Devices,
    /// `NAME` (the host's value) or `NAME=VALUE`.
    Environment,
    /// Names of system calls.
    Calls,
    /// Rules of that access on a message bus.
    BusRules(Bus, Access),
    /// Names of [`DBUS_PRESETS`].
    BusPresets,
    /// Rules for a filtered network, of that verdict.
    NetworkRules(Verdict),
    /// The name of a network bridge, or nothing.
    Bridge,
    /// Addresses of the app's own, each with the length of its network.
    OwnAddresses,
    /// Addresses of routers.
    Routers,
    /// A number of bytes with an optional unit: `500M`, `2G` (powers of 1024), or `0` for no limit of our own.
    Size,
    /// A whole number within bounds; what 0 means where it is one of them, the summary says.
    Number {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
}

impl Kind {
    /// Whether a value is a list of texts.
    #[must_use]
    pub fn is_list(&self) -> bool {
        match self {
            Self::Text
            | Self::Switch(_)
            | Self::Choice(_)
            | Self::Bridge
            | Self::Size
            | Self::Number { .. } => false,
            Self::Command
            | Self::Paths(_)
            | Self::Devices
            | Self::Environment
            | Self::Calls
            | Self::BusRules(..)
            | Self::BusPresets
            | Self::NetworkRules(_)
            | Self::OwnAddresses
            | Self::Routers => true,
        }
    }
}

/// An option of a profile.
#[derive(Debug)]
pub struct Opt {
    /// Where it stands in a profile: `network`, or `files.home` for `home` in the table `[files]`.
    pub key: &'static str,
    /// The heading it is shown under.
    pub group: Group,
    /// A noun, a message id.
    pub title: &'static str,
    /// One plain sentence, a message id.
    pub summary: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// The value where no layer names one, as written in a profile (TOML).
    pub default: &'static str,
    /// The command-line flag without its dashes; empty when there is none.
    pub flag: &'static str,
    /// The key of the original Arkose's `.conf`, where it has one.
    pub conf: Option<&'static str>,
    /// Other settings that make this one impossible.
    pub conflicts: &'static [Conflict],
}

/// Two settings that cannot be had together.
#[derive(Debug)]
pub struct Conflict {
    /// The value of the option that carries this conflict.
    pub value: &'static str,
    /// The other option's key.
    pub other: &'static str,
    /// The other option's values; `*` for any but its default.
    pub other_values: &'static [&'static str],
    /// Why, in one sentence, a message id.
    pub reason: &'static str,
}

/// A class of devices that may be granted as a whole.
#[derive(Debug)]
pub struct DeviceClass {
    /// As written in a profile.
    pub name: &'static str,
    /// A noun, a message id.
    pub title: &'static str,
    /// One plain sentence, a message id.
    pub summary: &'static str,
    /// How far it opens the sandbox.
    pub risk: Risk,
    /// The nodes, relative to `/dev`; a trailing `*` matches the rest of one name.
    pub nodes: &'static [&'static str],
}

/// What apps commonly need of the message buses, by a name.
#[derive(Debug, PartialEq, Eq)]
pub struct BusPreset {
    /// As written in a profile.
    pub name: &'static str,
    /// A noun, a message id.
    pub title: &'static str,
    /// One plain sentence, a message id.
    pub summary: &'static str,
    /// How far it opens the sandbox.
    pub risk: Risk,
    /// What it stands for on the session's bus: the list and the entry in it.
    pub session: &'static [(Access, &'static str)],
    /// The same on the system's bus.
    pub system: &'static [(Access, &'static str)],
    /// The same on the accessibility bus, which it makes reachable where there are any.
    pub accessibility: &'static [(Access, &'static str)],
    /// Whether the portals are to know the app as one that is confined.
    pub portals: bool,
}

impl BusPreset {
    /// The rules that it stands for on a bus.
    pub fn rules(&self, bus: Bus) -> impl Iterator<Item = Rule> + use<> {
        let list = match bus {
            Bus::Session => self.session,
            Bus::System => self.system,
            Bus::Accessibility => self.accessibility,
        };
        // That every entry is one is tested; one that were none would allow nothing.
        list.iter().filter_map(|(access, text)| Rule::parse(*access, text).ok())
    }
}

/// The preset with that name.
#[must_use]
pub fn dbus_preset(name: &str) -> Option<&'static BusPreset> {
    DBUS_PRESETS.iter().find(|preset| preset.name == name)
}

/// The option with that key.
#[must_use]
pub fn option(key: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.key == key)
}

/// The device class with that name.
#[must_use]
pub fn device_class(name: &str) -> Option<&'static DeviceClass> {
    DEVICE_CLASSES.iter().find(|class| class.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_preset_is_one_and_written_as_it_is_shown() {
        for preset in DBUS_PRESETS {
            assert!(dbus_preset(preset.name).is_some_and(|found| found.title == preset.title));
            for (access, text) in
                preset.session.iter().chain(preset.system).chain(preset.accessibility)
            {
                let rule = Rule::parse(*access, text).expect(text);
                assert_eq!(rule.to_string(), *text);
            }
        }
    }

    #[test]
    fn every_list_of_rules_is_found_by_bus_and_access() {
        for bus in [Bus::Session, Bus::System] {
            for access in Access::ALL {
                let key = format!("dbus-rules.{}.{access}", bus.as_str());
                assert_eq!(bus.option(access).expect(&key).key, key);
            }
        }
        assert!(Access::ALL.iter().all(|access| Bus::Accessibility.option(*access).is_none()));
    }

    #[test]
    fn every_verdict_has_its_list_and_is_a_default() {
        for verdict in Verdict::ALL {
            let key = format!("network-rules.{verdict}");
            assert_eq!(verdict.option().expect(&key).key, key);
        }
        let Some(Opt { kind: Kind::Choice(choices), default, .. }) =
            option("network-rules.default")
        else {
            panic!("no choices")
        };
        assert_eq!(choices.len(), Verdict::ALL.len());
        assert!(choices.iter().all(|choice| Verdict::parse(choice.value).is_some()));
        assert_eq!(*default, format!("\"{}\"", Verdict::default()));
    }
}
