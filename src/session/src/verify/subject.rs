//! What is verified, and what the checks have to know of it.

use super::witness::Witnesses;
use crate::grant::Inside;
use crate::host::Host;
use crate::request;
use crate::spec::{LaunchSpec, Via};
use arkose_admin::Caps;
use arkose_probe::{Found, Trial};
use arkose_profile::explain::Explanation;
use arkose_profile::{AbsPath, Access, Home, PathRule, Policy, RunAs, Walls};
use std::path::{Path, PathBuf};

/// One sandbox that is to be verified.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) spec: &'a LaunchSpec,
    pub(crate) policy: &'a Policy,
    /// What is told of it.
    pub(crate) told: &'a Explanation,
    /// What the administrator allows, where that is said.
    pub(crate) caps: Option<&'a Caps>,
    pub(crate) host: &'a Host,
    pub(crate) inside: &'a Inside,
    pub(crate) witnesses: &'a Witnesses,
}

impl Subject<'_> {
    /// Whether the app is root inside.
    pub(crate) fn as_root(&self) -> bool {
        self.policy.runas == RunAs::Root
    }

    /// Whether the app stays on the host's own system, confined by Landlock and the filter alone.
    pub(crate) fn light(&self) -> bool {
        self.policy.walls == Walls::Light
    }

    /// Whether root builds the sandbox of an app that is root inside.
    pub(crate) fn root_by_helper(&self) -> bool {
        self.as_root() && self.spec.via != Via::User
    }

    /// What comes of the same trial on the host.
    pub(crate) fn on_host(&self, trial: &Trial) -> Found {
        arkose_probe::answer(trial)
    }

    /// Where no sandbox may reach.
    pub(crate) fn off_limits(&self) -> Vec<&AbsPath> {
        self.caps.iter().flat_map(|caps| caps.off_limits()).collect()
    }

    /// The rules with this access, in the order of `explain`.
    pub(crate) fn rules(&self, access: Access) -> impl Iterator<Item = &PathRule> {
        self.policy.paths.iter().filter(move |rule| rule.access == access)
    }

    /// The rule for exactly that path.
    pub(crate) fn rule_for(&self, path: &AbsPath) -> Option<&PathRule> {
        self.policy.paths.iter().find(|rule| rule.path == *path)
    }

    /// Whether the app may find the host's own file at that path, because of what it was given.
    pub(crate) fn is_given(&self, path: &Path) -> bool {
        let home = matches!(self.policy.home, Home::Direct | Home::Cow)
            && path.starts_with(self.spec.home.as_path());
        home || self
            .policy
            .paths
            .iter()
            .any(|rule| rule.access != Access::Restrict && path.starts_with(rule.path.as_path()))
    }

    /// Whether the policy says something about that path, or one above it.
    pub(crate) fn is_ruled(&self, path: &Path) -> bool {
        path.starts_with(self.spec.home.as_path())
            || self.policy.paths.iter().any(|rule| path.starts_with(rule.path.as_path()))
    }

    /// The first components, below a directory, of the paths that other rules put there.
    pub(crate) fn placed_below(&self, directory: &AbsPath) -> Vec<String> {
        let paths = self.policy.paths.iter().map(|rule| &rule.path);
        let files = self.spec.files.iter().map(|file| &file.dest);
        let first = |path: &AbsPath| {
            let below = path.as_path().strip_prefix(directory.as_path()).ok()?;
            Some(below.components().next()?.as_os_str().to_string_lossy().into_owned())
        };
        paths.chain(files).chain([&self.spec.home]).filter_map(first).collect()
    }

    /// Where Arkose keeps private homes.
    pub(crate) fn data_dir(&self) -> PathBuf {
        request::data_dir(self.spec, self.host)
    }

    /// The private home of the profile, on the host; it may not be there yet.
    pub(crate) fn private_home(&self) -> Option<PathBuf> {
        Some(self.data_dir().join("homes").join(self.spec.profile.as_ref()?))
    }

    /// A path in a directory for a new file, of a name that nothing has.
    pub(crate) fn new_name(&self, directory: &Path) -> PathBuf {
        directory.join(format!(".{}", self.witnesses.name))
    }
}
