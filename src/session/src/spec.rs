//! What is to be launched, as the command line and the window ask for it.

use arkose_profile::{AbsPath, Policy, RunAs, XServer};
use std::ffi::OsString;
use std::os::fd::OwnedFd;

use crate::display::Backend;
use crate::error::Error;

/// Who builds the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// The user, where the policy needs no privilege and the kernel allows it; else the helper.
    #[default]
    Auto,
    /// Root, by pkexec.
    Helper,
    /// The user, in a user namespace.
    User,
}

impl Via {
    /// Reads `auto`, `helper` or `user`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "helper" => Some(Self::Helper),
            "user" => Some(Self::User),
            _ => None,
        }
    }
}

/// A single file of the host that appears at a place of its own.
#[derive(Debug, Clone)]
pub struct SharedFile {
    /// Where it is on the host.
    pub source: AbsPath,
    /// Where the app finds it.
    pub dest: AbsPath,
    /// Whether the app can only read it.
    pub read_only: bool,
}

/// One launch.
#[derive(Debug)]
pub struct LaunchSpec {
    /// What the app may reach.
    pub policy: Policy,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// What the app is called in titles.
    pub title: String,
    /// The profile whose private home is used; without one there is none.
    pub profile: Option<String>,
    /// Whether that profile is one of those that are kept, in which an answer can be, and not a file
    /// that was named.
    pub stored: bool,
    /// The desktop entry of the app, where it is known.
    pub desktop: Option<String>,
    /// The user's home directory.
    pub home: AbsPath,
    /// Where the app starts; `None` for where this process is.
    pub directory: Option<AbsPath>,
    /// The name of the machine inside; `None` for one that is made up.
    pub hostname: Option<String>,
    /// Who builds the sandbox.
    pub via: Via,
    /// Which program draws an isolated X display.
    pub display: Backend,
    /// Whether the sandbox lives on when the command has ended and programs it started have not.
    pub linger: bool,
    /// Files that this launch is about.
    pub files: Vec<SharedFile>,
    /// Is told of what the sandbox goes without, or in another way than it could.
    pub note: fn(&Error),
    /// Puts a message id into the language of the person.
    pub translate: fn(&str) -> String,
    /// Where events are written as JSON lines.
    pub events: Option<OwnedFd>,
    /// What the app may reach, for whoever asks the running sandbox.
    pub explained: Option<Explained>,
}

impl LaunchSpec {
    /// Whether root is asked to build it. Only root can make a root who has everybody's ids; to such a
    /// one nobody outside may hand files, and so it gets no screen and no sound. An app that is root
    /// and is granted one of those is built by the user. Only root can join an app to a bridge.
    pub(crate) fn asks_root(&self) -> bool {
        let policy = &self.policy;
        let sockets = policy.xserver != XServer::None || policy.pulseaudio;
        match self.via {
            Via::User => false,
            Via::Helper => true,
            Via::Auto if policy.zone.is_some() => true,
            Via::Auto => policy.runas == RunAs::Root && !sockets,
        }
    }
}

/// Makes an explanation of the policy when it is asked for, for programs.
pub struct Explained(pub Box<dyn Fn() -> serde_json::Value>);

impl std::fmt::Debug for Explained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explained")
    }
}
