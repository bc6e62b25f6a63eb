//! The policy: what the layers of a profile come to, with nothing left to interpret.
//!
//! This is what the window and `explain` show, and what crosses to the helper; the engine acts on
//! nothing else. It is plain data, made only by [`Profile::policy`](crate::Profile::policy) or by
//! decoding a request, and its parts cannot hold a value that is out of range.

use crate::bus::Buses;
use crate::net::{Rules, Zone};
use crate::path::AbsPath;
use serde::{Deserialize, Serialize};

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// As written in a profile.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value written so in a profile.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

choice! {
    /// Whom the app is.
    RunAs {
        /// The caller, with no capability.
        User = "user",
        /// Uid 0 of a user namespace, with no right over the host.
        Root = "root",
    }
}
choice! {
    /// What the app reaches over the network.
    Network {
        /// A loopback interface of its own and nothing else.
        None = "none",
        /// One of its own, from which what its rules allow can be reached.
        Filtered = "filtered",
        /// The host's network.
        Direct = "direct",
    }
}
choice! {
    /// The X server that the app reaches.
    XServer {
        /// None.
        None = "none",
        /// One of its own.
        Isolated = "isolated",
        /// The host's.
        Direct = "direct",
    }
}
choice! {
    /// The Wayland compositor that the app reaches.
    Wayland {
        /// None.
        None = "none",
        /// The host's.
        Direct = "direct",
    }
}
choice! {
    /// The message buses that the app reaches.
    DBus {
        /// None.
        None = "none",
        /// The session's.
        Session = "session",
        /// The system's.
        System = "system",
        /// The session's and the system's.
        Both = "both",
    }
}
choice! {
    /// The files of the system.
    Root {
        /// A copy that is dropped.
        Cow = "cow",
        /// To be read only.
        ReadOnly = "read-only",
    }
}
choice! {
    /// The home directory.
    Home {
        /// An empty one, dropped at the end.
        Empty = "empty",
        /// One of the profile's own, kept.
        Private = "private",
        /// A copy of the user's, dropped at the end.
        Cow = "cow",
        /// The user's.
        Direct = "direct",
    }
}
choice! {
    /// What becomes of one path.
    Access {
        /// Reachable as the user may.
        Bind = "bind",
        /// Reachable, to be read only.
        BindReadOnly = "bind-read-only",
        /// A copy that is dropped.
        Cow = "cow",
        /// Replaced by something empty.
        Restrict = "restrict",
    }
}

impl DBus {
    /// Whether the session's bus is reachable.
    #[must_use]
    pub fn session(self) -> bool {
        matches!(self, DBus::Session | DBus::Both)
    }

    /// Whether the system's bus is reachable.
    #[must_use]
    pub fn system(self) -> bool {
        matches!(self, DBus::System | DBus::Both)
    }
}

choice! {
    /// What keeps the app in.
    Walls {
        /// Namespaces and mounts, and behind them Landlock and a filter of system calls.
        Full = "full",
        /// Landlock and a filter of system calls alone: the app stays on the host's own system.
        Light = "light",
    }
}

/// A path of the host and what the app may do with it; it has the same name inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRule {
    /// What becomes of it.
    pub access: Access,
    /// Where it is, on the host and inside.
    pub path: AbsPath,
}

/// A device that is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// Every node of a class, by its name in [`DEVICE_CLASSES`](crate::options::DEVICE_CLASSES).
    Class(String),
    /// One node, or a directory of them, below `/dev`.
    Path(AbsPath),
}

/// A variable of the app's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `None` takes the caller's.
    pub value: Option<String>,
}

/// What one app may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory; 0 for no limit.
    pub memory: u64,
    /// Processes and threads at a time; 0 for no limit.
    pub processes: u32,
    /// Its share of a busy processor, where others have [`Limits::EVEN`]; 1 to 10000.
    pub cpu_weight: u32,
}

impl Limits {
    /// The kernel's own weight, with which nothing is to be done.
    pub const EVEN: u32 = 100;

    /// No limit at all.
    pub const NONE: Self = Self { memory: 0, processes: 0, cpu_weight: Self::EVEN };

    /// Whether anything is to be limited.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::NONE
    }
}

/// A system call, by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemCall {
    /// As programs of this machine make it.
    pub here: Option<u32>,
    /// As 32-bit programs on x86-64 make it.
    pub i386: Option<u32>,
}

/// What one app may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whom the app is.
    pub runas: RunAs,
    /// What it reaches over the network.
    pub network: Network,
    /// What a filtered network lets through; none where it is not filtered.
    pub network_rules: Rules,
    /// The bridge of this computer's that it leads to, where that is said; none where it is not filtered.
    pub zone: Option<Zone>,
    /// Its X server.
    pub xserver: XServer,
    /// Its compositor.
    pub wayland: Wayland,
    /// Its message buses.
    pub dbus: DBus,
    /// What it may do there. The supervisor's affair: this does not cross to the helper.
    #[serde(skip)]
    pub buses: Buses,
    /// Whether it reaches the sound server.
    pub pulseaudio: bool,
    /// Its devices.
    pub devices: Vec<Device>,
    /// The files of the system.
    pub root: Root,
    /// Its home directory.
    pub home: Home,
    /// Rules for single paths, parents before children, each path once.
    pub paths: Vec<PathRule>,
    /// Variables beside the few that every app gets.
    pub environment: Vec<Variable>,
    /// What keeps it in.
    pub walls: Walls,
    /// Whether it may make user namespaces.
    pub user_namespaces: bool,
    /// System calls that are refused to it, beside those that are refused to every app.
    pub denied_calls: Vec<SystemCall>,
    /// How many bytes it may write to its copies and temporary files; 0 leaves it to the kernel (half of the memory).
    pub cow_size: u64,
    /// What it may use up.
    pub limits: Limits,
}
