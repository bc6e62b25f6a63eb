//! The original Arkose's profiles (`.conf`): read as they are, and written.
//!
//! There the home directory was copy-on-write unless it was asked for, so a `.conf` is read with
//! `files.home = "cow"`. What cannot be enforced is never read as more than it allowed: it closes
//! what it was to filter, and a note says so.

mod bus;
mod ini;
mod read;
mod words;
mod write;

pub use read::read;
pub use write::write;

/// The keys of a `.conf`.
const KEYS: [&str; 15] = [
    "cmd",
    "runas",
    "network",
    "xserver",
    "dbus",
    "dbusproxy",
    "pulseaudio",
    "video",
    "device",
    "root",
    "fstype",
    "fssize",
    "mount_bind",
    "mount_cow",
    "mount_restrict",
];
