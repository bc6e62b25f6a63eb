//! The messages and their parts.

use arkose_profile::{AbsPath, Policy};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Bytes that need not be text, such as an argument; encoded as a length and the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

/// Everything that the engine needs to know to build one sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`](crate::VERSION).
    pub version: u32,
    /// What the app may reach.
    pub policy: Policy,
    /// The program and its arguments; a program without `/` is searched for in the `PATH` of `env`, inside.
    pub argv: Vec<Bytes>,
    /// `NAME=VALUE`, the whole environment.
    pub env: Vec<Bytes>,
    /// Where the app starts; `None`, or a directory that is not there inside, starts it in its home.
    pub cwd: Option<AbsPath>,
    /// The name of the machine inside.
    pub hostname: String,
    /// The home directory.
    pub home: Home,
    /// Single host files, sockets or directories that services of the sandbox need.
    pub mounts: Vec<HostMount>,
    /// Files with content of their own.
    pub files: Vec<GeneratedFile>,
    /// Directories that must not be seen inside, whether they exist or not.
    pub hidden: Vec<AbsPath>,
    /// The pseudo-terminal that the app gets, if any.
    pub terminal: Option<Terminal>,
    /// What is known of this computer's network, for one with rules.
    pub host: HostNetwork,
    /// Whether the sandbox lives on when its first process has ended and others have not.
    pub linger: bool,
}

/// How this computer is reached, and reaches others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostNetwork {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether default routes lead out of it, by IPv4 and by IPv6.
    pub routes: [bool; 2],
}

/// Where the home directory is, and what is mounted there when it is a private one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its path, on the host and inside (inside, root's is `/root`). With light walls the app is kept
    /// from it, and finds another in its environment.
    pub path: AbsPath,
    /// The directory on the host that holds the private home.
    pub private: Option<PrivateHome>,
}

/// A directory of Arkose's own; what is in it came from a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateHome {
    /// Arkose's data directory, found as the user's own paths are.
    pub data: AbsPath,
    /// The home, strictly below it; on the way there no symbolic link is followed.
    pub path: AbsPath,
}

/// A host path that appears inside, perhaps elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMount {
    /// On the host; opened as the user.
    pub source: AbsPath,
    /// Inside.
    pub dest: AbsPath,
    /// Whether the app may only read it.
    pub read_only: bool,
}

/// A file that exists only in the sandbox; read-only there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedFile {
    /// Inside.
    pub dest: AbsPath,
    /// Permission bits, owned by the user of the app.
    pub mode: u32,
    /// What it holds.
    pub content: Bytes,
}

/// A pseudo-terminal of the sandbox's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Which of the standard descriptors it replaces.
    pub replaces: [bool; 3],
    /// Rows, columns.
    pub size: (u16, u16),
}

/// What the helper tells the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The sandbox's first process exists, and has that id outside of it. Only the helper says so.
    First(i32),
    /// The master of the pseudo-terminal; the descriptor comes with it.
    Terminal,
    /// A part of a network that has rules; the descriptor comes with it.
    Network(NetworkPart),
    /// The network bridge of that name is waited for.
    Awaited(String),
    /// The rules count, and by these addresses of the next router this computer is reached, if by any.
    Routers(Vec<IpAddr>),
    /// The app's process exists.
    Started,
    /// The app could not be executed: the errno.
    ExecFailed(i32),
    /// The app was stopped by a signal, as by Ctrl+Z.
    Stopped(i32),
    /// The app has ended.
    Exited(Status),
    /// Which of its limits the sandbox has met, told when it is gone.
    Struck(Struck),
    /// The sandbox could not be built.
    Failed(Failure),
}

/// What of a sandbox's own network those outside use, who are never in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkPart {
    /// The network namespace in which its way out is made: the sandbox's own, or one of the user's from which
    /// root takes it.
    Namespace,
    /// The user namespace that this belongs to.
    Owner,
    /// A socket at which apps ask for names by packets.
    Packets,
    /// A socket at which apps ask for names on connections.
    Streams,
    /// A socket that tells of packets which were held back or refused.
    Log,
    /// A socket by which the user who built the sandbox loads rules. This or the next is the last part that
    /// is told.
    Control,
    /// A [`Channel`](crate::Channel) over which the helper is asked to ([`Steer`](crate::Steer)).
    Steering,
}

/// Which limits were met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Struck {
    /// The kernel ended a process for want of memory.
    pub memory: bool,
    /// The kernel refused a further process.
    pub processes: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// By itself, with that exit status.
    Code(u8),
    /// By that signal.
    Signal(i32),
}

impl Status {
    /// As a shell reports it: the code, or 128 and the signal's number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Status::Code(code) => code,
            Status::Signal(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
        }
    }
}

/// Why there is no sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// Whether the kernel gives this user no namespaces, so that only root could build the sandbox.
    pub needs_root: bool,
    /// One sentence for the user.
    pub message: String,
    /// What the kernel said, where it said something.
    pub cause: String,
    /// The command or setting that mends it, where there is one.
    pub remedy: String,
}

/// What the supervisor tells the sandbox once it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Send that signal to the app.
    Signal(i32),
    /// Let a further command in: an [`Entry`](crate::Entry) comes over the socket that comes with this, and
    /// over it go the events of that command and what is said to it.
    Enter,
}

#[cfg(test)]
mod tests {
    use arkose_profile::net::{Rule, Rules, Verdict};

    #[test]
    fn rules_of_a_network_cross_as_they_are_and_what_is_none_does_not() {
        let texts = ["*.example.org:443/tcp", "host:631", "[2001:db8::/32]:1-9/udp", "lan/icmp"];
        let list = texts.map(|text| Rule::parse(Verdict::Ask, text).unwrap()).to_vec();
        let rules = Rules { default: Verdict::Allow, list };
        let bytes = postcard::to_stdvec(&rules).unwrap();
        assert_eq!(postcard::from_bytes::<Rules>(&bytes).unwrap(), rules);
        let forged = postcard::to_stdvec(&(Verdict::Deny, vec![(Verdict::Allow, "host")])).unwrap();
        assert!(postcard::from_bytes::<Rules>(&forged).is_err());
        let right = postcard::to_stdvec(&(Verdict::Deny, vec![(Verdict::Deny, "host")])).unwrap();
        assert!(postcard::from_bytes::<Rules>(&right).is_ok());
    }
}
