//! The plan: the ordered steps that build one sandbox, as pure data.
//!
//! A plan is made from a request and a few facts about the host, touches nothing, and can be
//! printed (`arkose plan`) and tested without any privilege. Destinations are paths inside.

mod devices;
mod light;
mod make;
mod system;
#[cfg(test)]
mod tests;

pub use make::make;

use crate::error::{Error, Result};
use arkose_profile::{AbsPath, SystemCall, Walls};
use serde::Serialize;

/// Who builds the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Way {
    /// Root, started by pkexec.
    Helper,
    /// The caller, in a user namespace.
    User,
}

/// What Landlock lets the app do with a place of the host, in a sandbox without mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Reach {
    /// To list and to read.
    Read,
    /// To list, to read and to start programs.
    Use,
    /// All that the user may.
    Change,
}

/// What becomes of a directory that cannot be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Otherwise {
    /// There is no sandbox.
    Refused,
    /// It is left out, or stays what is there by then.
    LeftOut,
    /// The original is shown, read-only.
    Shown,
}

/// One step of building the tree that the app will see, or, in a sandbox without mounts, of saying what
/// it may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Makes a directory.
    Directory {
        /// Inside.
        dest: AbsPath,
        /// Permission bits.
        mode: u32,
        /// Whether it belongs to the app's user, not to root.
        owned: bool,
    },
    /// Makes a symbolic link.
    Symlink {
        /// Inside.
        dest: AbsPath,
        /// What it says.
        target: Vec<u8>,
    },
    /// Mounts a copy of a host directory whose changes are dropped.
    Overlay {
        /// On the host.
        lower: AbsPath,
        /// Inside.
        dest: AbsPath,
        /// Whether it belongs to the user; else to the system.
        of_user: bool,
        /// What becomes of it where it cannot be copied.
        otherwise: Otherwise,
        /// Whether nothing can be changed. It is a copy all the same: the host's sockets and pipes
        /// lead nowhere in it.
        read_only: bool,
    },
    /// Mounts a host path, with all that is mounted below it.
    Bind {
        /// On the host; opened as the user.
        source: AbsPath,
        /// Inside.
        dest: AbsPath,
        /// Whether nothing can be changed through it.
        read_only: bool,
        /// Whether its owners are shown so that the app's user is the caller.
        of_user: bool,
    },
    /// Mounts what a service of the sandbox needs of the host: a socket, or a single file.
    Service {
        /// On the host; opened as the user.
        source: AbsPath,
        /// Inside.
        dest: AbsPath,
        /// Whether nothing can be changed through it.
        read_only: bool,
    },
    /// Mounts the private home; nothing on the way to it is a symbolic link.
    PrivateHome {
        /// Arkose's data directory on the host.
        data: AbsPath,
        /// The home, below it.
        source: AbsPath,
        /// Inside.
        dest: AbsPath,
    },
    /// Mounts what is there over itself, so that it can be neither renamed nor removed.
    Pin {
        /// Inside.
        dest: AbsPath,
    },
    /// Puts something empty in the place of what is there, if anything is.
    Hide {
        /// Inside.
        dest: AbsPath,
        /// Whether it is also made when nothing is there yet.
        always: bool,
    },
    /// Puts a fresh writable directory in the place of what is there.
    Scratch {
        /// Inside.
        dest: AbsPath,
        /// Permission bits.
        mode: u32,
    },
    /// Mounts a file that holds what the request says.
    File {
        /// Inside.
        dest: AbsPath,
        /// Permission bits.
        mode: u32,
        /// Its position in the request.
        index: usize,
    },
    /// Mounts a device node, or a directory of them, of the same name.
    Device {
        /// On the host and inside.
        path: AbsPath,
        /// The device's number where only one will do.
        number: Option<(u32, u32)>,
    },
    /// Lets the app reach a place of the host; only where nothing is mounted.
    Allow {
        /// Where it is; opened as the user.
        path: AbsPath,
        /// What the app may do there.
        reach: Reach,
        /// Whether the policy shares it; else it is the system's, or Arkose's own.
        granted: bool,
    },
    /// Mounts the sandbox's own pseudo-terminals on `/dev/pts`.
    Terminals,
    /// Mounts a view of the sandbox's own processes on `/proc`, kernel settings read-only.
    Processes,
    /// Mounts the kernel's view of devices on `/sys`, read-only.
    Sysfs {
        /// Whether a fresh one can be mounted; else the host's is shown.
        fresh: bool,
    },
}

/// Everything that building one sandbox takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Who builds it.
    pub way: Way,
    /// Whether namespaces and mounts keep the app in, or Landlock and the filter alone.
    pub walls: Walls,
    /// Whether the app has a network of its own, without a way out. With light walls it has none.
    pub own_network: bool,
    /// Whether the app is uid 0 inside.
    pub as_root: bool,
    /// Whether it is, and has a copy of the system that it may change as a whole.
    pub copied_for_root: bool,
    /// Whether the app may make user namespaces.
    pub user_namespaces: bool,
    /// System calls that are refused to it beside those that are refused to every app.
    pub denied_calls: Vec<SystemCall>,
    /// How many bytes may be written to copies and temporary files; 0 for the kernel's default.
    pub size: u64,
    /// The home directory, inside.
    pub home: AbsPath,
    /// The home directory when it is a private one: what is there came from a sandbox.
    pub private_home: Option<AbsPath>,
    /// Directories of the host that the app can change. Below them, as below a private home, no
    /// symbolic link is followed: the app may have put it there at an earlier launch.
    pub writable: Vec<AbsPath>,
    /// The tree.
    pub steps: Vec<Step>,
}

/// A path that is written in this program.
fn absolute(path: &str) -> Result<AbsPath> {
    AbsPath::new(path).map_err(|error| Error::new(format!("“{path}” {error}")))
}
