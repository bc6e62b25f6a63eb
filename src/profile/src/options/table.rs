//! The entries of the option table, and the classes of devices. What an entry is made of is said in
//! [`options`](super).

use super::{Choice, Conflict, DeviceClass, Group, Kind, Opt, Risk};
use crate::i18n::N_;

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

/// What the light walls cannot do: Landlock knows what may be opened, and makes nothing.
const LIGHT: &[Conflict] = &[
    light("runas", &["root"], N_("without namespaces nobody is root but the administrator")),
    light(
        "files.root",
        &["cow"],
        N_("without mounts there are no copies; “read-only” shows the same files"),
    ),
    light("files.home", &["cow"], N_("without mounts there are no copies")),
    light(
        "files.home",
        &["direct"],
        N_(
            "without mounts nothing below a shared directory can be hidden, and what your next login starts lies in your home directory",
        ),
    ),
    light("files.cow", &["*"], N_("without mounts there are no copies")),
    light(
        "limits.cow-size",
        &["*"],
        N_("without mounts there are no copies whose size could be limited"),
    ),
    light(
        "xserver",
        &["isolated", "direct"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "wayland",
        &["direct"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "dbus",
        &["session", "system", "both"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "pulseaudio",
        &["true"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "user-namespaces",
        &["true"],
        N_("the kernel lets nobody mount anything whose files Landlock confines"),
    ),
];

const fn light(
    other: &'static str,
    other_values: &'static [&'static str],
    reason: &'static str,
) -> Conflict {
    Conflict { value: "light", other, other_values, reason }
}

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
        key: "walls",
        group: Group::Advanced,
        title: N_("Walls"),
        summary: N_("What keeps the app in."),
        kind: Kind::Choice(&[
            Choice {
                value: "full",
                title: N_("Full"),
                summary: N_(
                    "The app cannot see the system itself: namespaces and mounts give it one of its own.",
                ),
                risk: Risk::Contained,
            },
            Choice {
                value: "light",
                title: N_("Light"),
                summary: N_(
                    "The app runs on the system itself; Landlock and a filter of system calls alone keep it from what it was not given.",
                ),
                risk: Risk::Partial,
            },
        ]),
        default: "\"full\"",
        flag: "walls",
        conf: None,
        conflicts: LIGHT,
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
        key: "system-calls.deny",
        group: Group::Advanced,
        title: N_("Refused system calls"),
        summary: N_("System calls that the app may not make, beside those that no app may make."),
        kind: Kind::Calls,
        default: "[]",
        flag: "deny-call",
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
    Opt {
        key: "limits.memory",
        group: Group::Advanced,
        title: N_("Memory"),
        summary: N_(
            "How much memory the app can use, with what it writes to its copies; one that uses more is ended.",
        ),
        kind: Kind::Size,
        default: "\"0\"",
        flag: "memory",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "limits.processes",
        group: Group::Advanced,
        title: N_("Processes"),
        summary: N_("How many processes and threads the app can have at a time; 0 for no limit."),
        kind: Kind::Number { min: 0, max: 4_194_304 },
        default: "0",
        flag: "processes",
        conf: None,
        conflicts: &[],
    },
    Opt {
        key: "limits.cpu-weight",
        group: Group::Advanced,
        title: N_("Share of the processor"),
        summary: N_(
            "How much of a busy processor the app gets beside others, which have a weight of 100.",
        ),
        kind: Kind::Number { min: 1, max: 10_000 },
        default: "100",
        flag: "cpu-weight",
        conf: None,
        conflicts: &[],
    },
];
