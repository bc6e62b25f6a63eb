//! The option table: every option of a profile, defined once.
//!
//! The window, the command line, `arkose explain`, the manual page and the file reader are
//! all drawn from [`OPTIONS`]; a new option is one entry here and one field in
//! [`Policy`](crate::Policy). Titles and summaries are message ids for gettext; whoever shows
//! them translates them.

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
    /// A number of bytes with an optional unit: `500M`, `2G` (powers of 1024), or `0` for no limit of our own.
    Size,
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
    /// The other option's values.
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

/// Every device class.
pub static DEVICE_CLASSES: &[DeviceClass] = &[
    DeviceClass {
        name: "video",
        title: N_("Cameras"),
        summary: N_("The app can see through every camera and TV card."),
        risk: Risk::Partial,
        nodes: &["video*", "media*", "v4l-subdev*", "dvb"],
    },
    DeviceClass {
        name: "gpu",
        title: N_("Graphics card"),
        summary: N_("The app can draw and compute on the graphics card."),
        risk: Risk::Partial,
        nodes: &["dri", "kfd", "nvidia*", "mali*", "udmabuf"],
    },
    DeviceClass {
        name: "sound",
        title: N_("Sound cards"),
        summary: N_("The app can play and record on the sound hardware itself."),
        risk: Risk::Partial,
        nodes: &["snd"],
    },
    DeviceClass {
        name: "input",
        title: N_("Input devices"),
        summary: N_("The app can read game controllers and, where you may, keyboards and mice."),
        risk: Risk::Open,
        nodes: &["input", "hidraw*", "uinput"],
    },
    DeviceClass {
        name: "usb",
        title: N_("USB devices"),
        summary: N_("The app can talk to every USB device that you may use."),
        risk: Risk::Open,
        nodes: &["bus/usb"],
    },
    DeviceClass {
        name: "serial",
        title: N_("Serial ports"),
        summary: N_("The app can talk to boards, modems and instruments on serial ports."),
        risk: Risk::Partial,
        nodes: &["ttyS*", "ttyUSB*", "ttyACM*", "serial"],
    },
    DeviceClass {
        name: "kvm",
        title: N_("Virtual machines"),
        summary: N_("The app can run virtual machines with the processor's help."),
        risk: Risk::Partial,
        nodes: &["kvm", "vhost-net", "vhost-vsock"],
    },
];

const ROOT_ON_BUS: Conflict = Conflict {
    value: "root",
    other: "dbus",
    other_values: &["session", "system", "both"],
    reason: N_("an app that runs as root would speak on the host's bus with root's authority"),
};

const ROOT_ON_DIRECT_SCREEN: Conflict = Conflict {
    value: "root",
    other: "wayland",
    other_values: &["direct"],
    reason: N_(
        "the compositor belongs to you, and an app that runs as root could not open its socket",
    ),
};

const ROOT_WITH_NAMESPACES: Conflict = Conflict {
    value: "root",
    other: "user-namespaces",
    other_values: &["true"],
    reason: N_("an app that runs as root could mount the control groups of the machine there"),
};

/// Every option, in the order in which they are shown.
pub static OPTIONS: &[Opt] = &[
    Opt {
        key: "name",
        group: Group::App,
        title: N_("Name"),
        summary: N_("What this profile is called in lists."),
        kind: Kind::Text,
        default: "\"\"",
        flag: "",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "summary",
        group: Group::App,
        title: N_("Summary"),
        summary: N_("One sentence that says what this profile is for."),
        kind: Kind::Text,
        default: "\"\"",
        flag: "",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "command",
        group: Group::App,
        title: N_("Command"),
        summary: N_("The program that is started, and its arguments."),
        kind: Kind::Command,
        default: "[]",
        flag: "",
        conf: Some("cmd"),
        conflicts: &[],
    },
    Opt {
        key: "app",
        group: Group::App,
        title: N_("Desktop entry"),
        summary: N_("The desktop entry of the app that this profile confines."),
        kind: Kind::Text,
        default: "\"\"",
        flag: "",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "runas",
        group: Group::App,
        title: N_("Runs as"),
        summary: N_("Whom the app is while it runs."),
        kind: Kind::Choice(&[
            Choice {
                value: "user",
                title: N_("You"),
                summary: N_("The app runs as you, and cannot become anyone else."),
                risk: Risk::Contained,
            },
            Choice {
                value: "root",
                title: N_("Administrator"),
                summary: N_(
                    "The app is root inside, can install software there, and has no right over the host.",
                ),
                risk: Risk::Partial,
            },
        ]),
        default: "\"user\"",
        flag: "runas",
        conf: Some("runas"),
        conflicts: &[ROOT_ON_BUS, ROOT_ON_DIRECT_SCREEN, ROOT_WITH_NAMESPACES],
    },
    Opt {
        key: "files.root",
        group: Group::Files,
        title: N_("System files"),
        summary: N_("What the app may do with the files of the system."),
        kind: Kind::Choice(&[
            Choice {
                value: "cow",
                title: N_("Copy-on-write"),
                summary: N_("The app can change its own copy; the system itself stays as it is."),
                risk: Risk::Contained,
            },
            Choice {
                value: "read-only",
                title: N_("Read-only"),
                summary: N_("The app can read the files of the system, and change none."),
                risk: Risk::Contained,
            },
        ]),
        default: "\"cow\"",
        flag: "root",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "files.home",
        group: Group::Files,
        title: N_("Home directory"),
        summary: N_("What the app finds as your home directory."),
        kind: Kind::Choice(&[
            Choice {
                value: "empty",
                title: N_("Empty"),
                summary: N_("The app finds an empty home directory, deleted when it ends."),
                risk: Risk::Contained,
            },
            Choice {
                value: "private",
                title: N_("Private"),
                summary: N_(
                    "The app has a home directory of its own that is kept between launches.",
                ),
                risk: Risk::Contained,
            },
            Choice {
                value: "cow",
                title: N_("Copy-on-write"),
                summary: N_(
                    "The app can read your files; what it changes is dropped when it ends.",
                ),
                risk: Risk::Partial,
            },
            Choice {
                value: "direct",
                title: N_("Direct"),
                summary: N_("The app can read and change every file in your home directory."),
                risk: Risk::Open,
            },
        ]),
        default: "\"empty\"",
        flag: "home",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "files.bind",
        group: Group::Files,
        title: N_("Shared paths"),
        summary: N_("Files and directories that the app can read and change."),
        kind: Kind::Paths(Risk::Partial),
        default: "[]",
        flag: "bind",
        conf: Some("mount_bind"),
        conflicts: &[],
    },
    Opt {
        key: "files.bind-read-only",
        group: Group::Files,
        title: N_("Read-only paths"),
        summary: N_("Files and directories that the app can read."),
        kind: Kind::Paths(Risk::Partial),
        default: "[]",
        flag: "bind-read-only",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "files.cow",
        group: Group::Files,
        title: N_("Copy-on-write paths"),
        summary: N_("Directories of which the app can change a copy that is dropped when it ends."),
        kind: Kind::Paths(Risk::Partial),
        default: "[]",
        flag: "cow",
        conf: Some("mount_cow"),
        conflicts: &[],
    },
    Opt {
        key: "files.restrict",
        group: Group::Files,
        title: N_("Hidden paths"),
        summary: N_("Files and directories that the app finds empty."),
        kind: Kind::Paths(Risk::Contained),
        default: "[]",
        flag: "restrict",
        conf: Some("mount_restrict"),
        conflicts: &[],
    },
    Opt {
        key: "xserver",
        group: Group::Desktop,
        title: N_("X server"),
        summary: N_("The screen that X11 apps draw on."),
        kind: Kind::Choice(&[
            Choice {
                value: "none",
                title: N_("None"),
                summary: N_("The app cannot open X11 windows."),
                risk: Risk::Contained,
            },
            Choice {
                value: "isolated",
                title: N_("Isolated"),
                summary: N_(
                    "The app draws on an X server of its own, and cannot see other windows or keys.",
                ),
                risk: Risk::Contained,
            },
            Choice {
                value: "direct",
                title: N_("Direct"),
                summary: N_("The app can see every X11 window and read every key that you type."),
                risk: Risk::Open,
            },
        ]),
        default: "\"none\"",
        flag: "xserver",
        conf: Some("xserver"),
        conflicts: &[],
    },
    Opt {
        key: "wayland",
        group: Group::Desktop,
        title: N_("Wayland"),
        summary: N_("The compositor that Wayland apps draw on."),
        kind: Kind::Choice(&[
            Choice {
                value: "none",
                title: N_("None"),
                summary: N_("The app cannot open Wayland windows."),
                risk: Risk::Contained,
            },
            Choice {
                value: "direct",
                title: N_("Direct"),
                summary: N_(
                    "The app can open windows, and use what else the compositor offers to every app.",
                ),
                risk: Risk::Partial,
            },
        ]),
        default: "\"none\"",
        flag: "wayland",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "dbus",
        group: Group::Desktop,
        title: N_("D-Bus"),
        summary: N_("The message buses over which apps and services talk."),
        kind: Kind::Choice(&[
            Choice {
                value: "none",
                title: N_("None"),
                summary: N_("The app can talk to no service."),
                risk: Risk::Contained,
            },
            Choice {
                value: "session",
                title: N_("Session bus"),
                summary: N_(
                    "The app can talk to every service of your session, and through them act as you.",
                ),
                risk: Risk::Open,
            },
            Choice {
                value: "system",
                title: N_("System bus"),
                summary: N_(
                    "The app can talk to every service of the system that you may talk to.",
                ),
                risk: Risk::Open,
            },
            Choice {
                value: "both",
                title: N_("Both"),
                summary: N_("The app can talk to every service of your session and of the system."),
                risk: Risk::Open,
            },
        ]),
        default: "\"none\"",
        flag: "dbus",
        conf: Some("dbus"),
        conflicts: &[],
    },
    Opt {
        key: "pulseaudio",
        group: Group::Desktop,
        title: N_("Sound"),
        summary: N_("The app can play sound and record from the microphone."),
        kind: Kind::Switch(Risk::Partial),
        default: "false",
        flag: "pulseaudio",
        conf: Some("pulseaudio"),
        conflicts: &[],
    },
    Opt {
        key: "network",
        group: Group::Network,
        title: N_("Network"),
        summary: N_("What the app can reach over the network."),
        kind: Kind::Choice(&[
            Choice {
                value: "none",
                title: N_("None"),
                summary: N_("The app is offline."),
                risk: Risk::Contained,
            },
            Choice {
                value: "direct",
                title: N_("Direct"),
                summary: N_(
                    "The app can reach the internet, the local network and services of this computer.",
                ),
                risk: Risk::Open,
            },
        ]),
        default: "\"none\"",
        flag: "network",
        conf: Some("network"),
        conflicts: &[],
    },
    Opt {
        key: "devices",
        group: Group::Devices,
        title: N_("Devices"),
        summary: N_("Hardware that the app can use."),
        kind: Kind::Devices,
        default: "[]",
        flag: "device",
        conf: Some("device"),
        conflicts: &[],
    },
    Opt {
        key: "environment",
        group: Group::Advanced,
        title: N_("Environment variables"),
        summary: N_("Variables that the app finds beside the few that every app gets."),
        kind: Kind::Environment,
        default: "[]",
        flag: "env",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "user-namespaces",
        group: Group::Advanced,
        title: N_("Sandboxes of its own"),
        summary: N_("The app can build sandboxes for its parts, as browsers and image loaders do."),
        kind: Kind::Switch(Risk::Partial),
        default: "false",
        flag: "user-namespaces",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "limits.cow-size",
        group: Group::Advanced,
        title: N_("Space for changes"),
        summary: N_(
            "How much the app can write to its copies and temporary files; they are held in memory.",
        ),
        kind: Kind::Size,
        default: "\"0\"",
        flag: "cow-size",
        conf: Some("fssize"),
        conflicts: &[],
    },
];

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
