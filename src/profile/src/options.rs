//! The option table: every option of a profile, defined once.
//!
//! The window, the command line, `arkose explain`, the manual page and the file reader are
//! all drawn from [`OPTIONS`]; a new option is one entry there and one field in
//! [`Policy`](crate::Policy). Titles and summaries are message ids for gettext; whoever shows
//! them translates them.

mod table;

pub use table::{DEVICE_CLASSES, OPTIONS};

use crate::i18n::N_;

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
