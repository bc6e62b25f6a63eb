//! The host as the user sees it: the environment, the home directory and the user's runtime directory.
//!
//! Every service reads these from here and not from the process, so that tests give their own and a
//! launch sees one consistent environment.

use arkose_profile::AbsPath;
use nix::unistd::Uid;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The user's environment on the host.
#[derive(Debug, Clone)]
pub struct Host {
    vars: HashMap<OsString, OsString>,
    uid: u32,
}

impl Host {
    /// The environment of this process.
    #[must_use]
    pub fn current() -> Self {
        Self::with(std::env::vars_os())
    }

    /// An environment of the caller's making, for this process's user.
    #[must_use]
    pub fn with<K: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            vars: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            uid: Uid::effective().as_raw(),
        }
    }

    /// The user's id.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// A variable; one that is set but empty counts as not set.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable that holds an absolute path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<AbsPath> {
        self.var(name).and_then(|value| AbsPath::new(value).ok())
    }

    /// Every variable, for a program that runs on the host on the user's behalf.
    pub fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The home directory, from `HOME`.
    #[must_use]
    pub fn home(&self) -> Option<AbsPath> {
        self.path("HOME")
    }

    /// The user's runtime directory: `XDG_RUNTIME_DIR`, else `/run/user/UID`; it may not exist.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.path("XDG_RUNTIME_DIR").map_or_else(
            || PathBuf::from(format!("/run/user/{}", self.uid)),
            |path| path.as_path().to_owned(),
        )
    }

    /// The user's configuration directory: `XDG_CONFIG_HOME`, else `~/.config`.
    #[must_use]
    pub fn config(&self) -> Option<PathBuf> {
        self.path("XDG_CONFIG_HOME")
            .map(|path| path.as_path().to_owned())
            .or_else(|| self.home().map(|home| home.as_path().join(".config")))
    }

    /// Where a program is, from `PATH`; a name with a slash is taken as it is.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let executable = |path: &PathBuf| {
            path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
        };
        std::env::split_paths(self.var("PATH")?)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(executable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_relative_variable_counts_as_unset() {
        let host = Host::with([("XDG_RUNTIME_DIR", ""), ("HOME", "relative")]);
        assert_eq!(host.var("XDG_RUNTIME_DIR"), None);
        assert_eq!(host.home(), None);
        assert_eq!(host.runtime(), PathBuf::from(format!("/run/user/{}", host.uid())));
    }

    #[test]
    fn programs_are_found_only_in_absolute_directories() {
        assert!(Host::with([("PATH", "/nowhere:/bin")]).program("sh").is_some());
        assert!(Host::with([("PATH", "bin:.")]).program("sh").is_none());
    }
}
