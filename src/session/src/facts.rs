//! What is known of a running sandbox from its start on. The supervisor writes it once, into the
//! sandbox's own directory, so that a list of sandboxes disturbs none of them, and shows also those
//! whose supervisor is stopped.

use crate::helper::Helper;
use crate::spec::LaunchSpec;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// The file's name.
pub(crate) const FILE: &str = "facts";

/// What is known of a running sandbox from its start on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// What the app is called.
    pub name: String,
    /// The profile it was launched from, if any.
    pub profile: Option<String>,
    /// Whether that profile is one of those that are kept, and not a file that was named.
    #[serde(default)]
    pub stored: bool,
    /// The program and its arguments; what is not UTF-8 is replaced.
    pub command: Vec<String>,
    /// When the app was started: milliseconds since the beginning of 1970.
    pub since: u64,
    /// Who built it: `user` or `helper`.
    pub way: String,
    /// Whom the app is: `user` or `root`.
    pub runas: String,
    /// What keeps it in: `full` or `light`.
    pub walls: String,
    /// The process of the supervisor.
    pub supervisor: i32,
    /// The sandbox's first process, as seen from outside; all others descend from it.
    pub first: i32,
}

impl Facts {
    /// Of a sandbox that has just been started.
    pub(crate) fn of(spec: &LaunchSpec, id: &str, helper: &Helper, first: i32) -> Self {
        let words = spec.command.iter();
        Self {
            id: id.to_owned(),
            name: spec.title.clone(),
            profile: spec.profile.clone(),
            stored: spec.stored,
            command: words.map(|word| word.to_string_lossy().into_owned()).collect(),
            since: now(),
            way: if matches!(helper, Helper::Root(_)) { "helper" } else { "user" }.to_owned(),
            runas: spec.policy.runas.as_str().to_owned(),
            walls: spec.policy.walls.as_str().to_owned(),
            supervisor: nix::unistd::getpid().as_raw(),
            first,
        }
    }
}

/// Milliseconds since the beginning of 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
