//! What can be tried, and what can come of it; both cross the sandbox's wall as JSON.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// One thing to try. Paths are those inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "try", rename_all = "kebab-case")]
pub enum Trial {
    /// Reads the beginning of a file: the text.
    Read {
        /// The file.
        path: PathBuf,
    },
    /// Lists a directory: the names.
    List {
        /// The directory.
        path: PathBuf,
    },
    /// Opens an existing file, or a directory for a file without a name, to write.
    Write {
        /// The file or directory.
        path: PathBuf,
    },
    /// Makes a new file, and leaves it.
    Create {
        /// The file.
        path: PathBuf,
    },
    /// Which file it is, however it is called: the numbers of its device and inode.
    Identity {
        /// The file.
        path: PathBuf,
    },
    /// How it is mounted: the names of the flags that take rights away.
    Mounted {
        /// A file in the mount.
        path: PathBuf,
    },
    /// How large the file system is, in bytes.
    Space {
        /// A file in it.
        path: PathBuf,
    },
    /// Writes so many bytes to a file without a name.
    Fill {
        /// The directory.
        path: PathBuf,
        /// How many.
        bytes: u64,
    },
    /// A device node: its type and number.
    Node {
        /// The node.
        path: PathBuf,
    },
    /// Opens a device node to read, or to write where only that is allowed.
    OpenNode {
        /// The node.
        path: PathBuf,
    },
    /// Every device node below `/dev`, but for terminals.
    Nodes,
    /// Makes a node of the null device, and opens it.
    MakeNode {
        /// The node.
        path: PathBuf,
    },
    /// Connects to a socket with a place in the file system.
    ConnectPath {
        /// The socket.
        path: PathBuf,
    },
    /// Connects to an abstract socket.
    ConnectAbstract {
        /// Its name.
        name: String,
    },
    /// Connects to a TCP port.
    ConnectTcp {
        /// Where.
        address: SocketAddr,
    },
    /// Sends a datagram.
    SendUdp {
        /// Where to.
        address: SocketAddr,
        /// What it says.
        text: String,
    },
    /// Listens on a loopback address and talks to itself.
    Loopback {
        /// The address; the port is chosen by the kernel.
        address: SocketAddr,
    },
    /// Makes a socket of a family, by the number of `AF_…`.
    Family {
        /// The number.
        family: i32,
        /// Whether a raw one.
        raw: bool,
    },
    /// The network interfaces: their names.
    Interfaces,
    /// Greets a message bus: the bus's id.
    Bus {
        /// Its socket.
        path: PathBuf,
    },
    /// Asks a message bus who is there: the names but for unique ones and that of the bus itself.
    BusNames {
        /// Its socket.
        path: PathBuf,
    },
    /// Calls the method that every peer of a message bus has.
    BusPeer {
        /// The socket of the bus.
        path: PathBuf,
        /// The name of the peer; one that is not there is not started.
        service: String,
    },
    /// Connects to an X server: the names of the windows below its root, unmapped ones too.
    Screen {
        /// Its name; the variable `DISPLAY` without one.
        display: Option<String>,
    },
    /// The names of the environment's variables.
    Variables,
    /// The value of one.
    Variable {
        /// Its name.
        name: String,
    },
    /// The ids of this process: `uid gid`, effective.
    Ids,
    /// Becomes another user.
    Become {
        /// The user.
        uid: u32,
    },
    /// A field of `/proc/self/status`, as the kernel writes it.
    Status {
        /// The field.
        field: String,
    },
    /// The link of `/proc/self/ns`: which namespace it is.
    Namespace {
        /// `net`, `pid`, `user`, …
        kind: String,
    },
    /// Makes namespaces, in a process of its own.
    Unshare {
        /// The flags of unshare(2).
        flags: i32,
    },
    /// A system call with arguments that no call can use.
    Call {
        /// Its number.
        number: i64,
        /// Its first arguments; those that are not named are all ones.
        arguments: Vec<u64>,
    },
    /// A terminal control on a terminal of the probe's own.
    Terminal {
        /// The request of ioctl(2), with all of its bits.
        request: u64,
    },
    /// Asks whether a signal may be sent; none is.
    Signal {
        /// Whom to.
        pid: i32,
    },
    /// The processes that can be seen: their names.
    Processes,
    /// The descriptors that it was started with: their numbers.
    Descriptors,
    /// A limit of getrlimit(2) as `soft hard`, in its own unit; `-` for none.
    Limit {
        /// `processes`, `memory`.
        name: String,
    },
    /// Starts threads until the kernel refuses one, or there are enough: how many tasks there were at
    /// most, this process among them.
    Crowd {
        /// How many are enough.
        enough: u32,
    },
    /// The directory that the variable `HOME` names: what is in it, once a file without a name could be
    /// written there.
    Home,
    /// The name of the machine.
    Hostname,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum Found {
    /// It could be done, and this is what it said; mostly nothing.
    Text {
        /// The text.
        text: String,
    },
    /// It could be done, and gave names; sorted.
    Names {
        /// The names.
        names: Vec<String>,
    },
    /// It could not be done.
    Refused {
        /// The name of the error, as errno(3) has it, or a few words.
        error: String,
    },
}

impl Found {
    /// It could be done, and said this.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// It could be done, and gave these names.
    #[must_use]
    pub fn names(names: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort();
        names.dedup();
        Self::Names { names }
    }

    /// It could not be done, for this reason.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { error: reason.into() }
    }
}

impl From<Errno> for Found {
    fn from(errno: Errno) -> Self {
        Self::refused(format!("{errno:?}"))
    }
}

impl From<std::io::Error> for Found {
    fn from(error: std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Errno::from_raw(errno).into(),
            None => Self::refused(error.kind().to_string()),
        }
    }
}
