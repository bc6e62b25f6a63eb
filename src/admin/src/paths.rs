//! Paths of the file: where sandboxes may reach, and where none may.

use crate::people::People;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::{AbsPath, PathError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How many symbolic links of root's are followed on the way to one path.
const MAX_LINKS: usize = 40;

/// A path as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// From the root.
    Absolute(AbsPath),
    /// From the caller's home directory on.
    Home(PathBuf),
}

impl Written {
    pub(crate) fn parse(key: &str, text: &str) -> Result<Self, Message> {
        let about = |pattern| Message::new(pattern).with("key", key).with("path", text);
        let below = match text.strip_prefix('~') {
            Some("") => Some(""),
            Some(rest) if rest.starts_with('/') => Some(rest),
            _ => None,
        };
        let whole = match below {
            Some(rest) => AbsPath::root().join(rest.trim_start_matches('/')),
            None => AbsPath::new(text),
        };
        let whole = whole.map_err(|error| match error {
            PathError::Relative if text.starts_with('~') => about(N_("“{path}” in “{key}” is the home of someone else; write it from the root, beginning with /")),
            PathError::Relative => about(N_("“{path}” in “{key}” is not an absolute path; begin it with / or ~/")),
            PathError::Parent => about(N_("“{path}” in “{key}” must not contain “..”")),
            PathError::Nul => about(N_("“{path}” in “{key}” must not contain a NUL byte")),
        })?;
        if below.is_some() {
            let rest = whole.as_path().strip_prefix("/").unwrap_or(whole.as_path());
            return Ok(Self::Home(rest.to_owned()));
        }
        let of_kernel = ["/proc", "/sys"].iter().any(|own| whole.as_path().starts_with(own));
        if key == crate::keys::OFF_LIMITS && (of_kernel || whole == AbsPath::root()) {
            return Err(about(N_(
                "“{path}” cannot be in “{key}”: a sandbox has its own, or is nothing without it",
            )));
        }
        Ok(Self::Absolute(whole))
    }

    /// As written, for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Absolute(path) => path.to_string(),
            Self::Home(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Self::Home(rest) => format!("~/{}", rest.display()),
        }
    }

    fn of(&self, home: &AbsPath) -> Option<AbsPath> {
        match self {
            Self::Absolute(path) => Some(path.clone()),
            Self::Home(rest) => home.join(rest).ok(),
        }
    }

    /// Where a sandbox may reach. Symbolic links are followed only where they are root's: by one of
    /// their own, users would widen what they may.
    pub(crate) fn root(&self, home: Option<&AbsPath>) -> Option<AbsPath> {
        through_links_of_root(self.of(home.unwrap_or(&AbsPath::root()))?.as_path())
    }

    /// Where no sandbox may reach: the real place behind every link, as far as there is one.
    pub(crate) fn closed(&self, home: Option<&AbsPath>) -> Option<AbsPath> {
        let path = self.of(home.unwrap_or(&AbsPath::root()))?;
        let path = path.as_path();
        for above in path.ancestors() {
            if let (Ok(found), Ok(rest)) = (above.canonicalize(), path.strip_prefix(above)) {
                // A link that leads nowhere hides nothing.
                let next = rest.components().next().map(|name| found.join(name));
                let dangling = next.is_some_and(|next| next.is_symlink());
                return AbsPath::new(found.join(rest)).ok().filter(|_| !dangling);
            }
        }
        None
    }

    /// Whether it begins with `~`.
    pub(crate) fn needs_home(&self) -> bool {
        matches!(self, Self::Home(_))
    }
}

/// The caller's home by the system's own account, every link on the way followed.
pub(crate) fn home_of(uid: u32) -> Option<AbsPath> {
    through_links_of_root(People::default().home(uid)?.as_path())
}

fn through_links_of_root(path: &Path) -> Option<AbsPath> {
    let mut found = PathBuf::from("/");
    let mut rest: Vec<PathBuf> = components(path);
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == Path::new("..") {
            found.pop();
            continue;
        }
        let next = found.join(&name);
        let link = next.symlink_metadata().ok().filter(std::fs::Metadata::is_symlink);
        // Without a link, and with one that is not followed, the name stands for itself.
        if link.is_none_or(|link| link.uid() != 0) {
            found = next;
            continue;
        }
        links += 1;
        let target = std::fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
        if target.is_absolute() {
            found = PathBuf::from("/");
        }
        rest.extend(components(&target));
    }
    AbsPath::new(found).ok()
}

/// The names of a path, the last one first.
fn components(path: &Path) -> Vec<PathBuf> {
    use std::path::Component;
    let names = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<_> = names.map(|part| PathBuf::from(part.as_os_str())).collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_absolute_or_below_the_home() {
        let home = AbsPath::new("/nowhere/ann").unwrap();
        let root = |text: &str| {
            Written::parse("bind-roots", text).unwrap().root(Some(&home)).unwrap().to_string()
        };
        assert_eq!(root("~"), "/nowhere/ann");
        assert_eq!(root("~/a//b/"), "/nowhere/ann/a/b");
        assert_eq!(root("/nowhere/./x"), "/nowhere/x");
        assert_eq!(root("/"), "/");
        for wrong in ["a", "", "~bob/x", "/a/../b", "~/../b", "./a"] {
            assert!(Written::parse("bind-roots", wrong).is_err(), "{wrong}");
        }
        for wrong in ["/", "/proc/x", "/sys"] {
            assert!(Written::parse("off-limits", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_closed_is_the_real_place() {
        let closed = |text: &str| Written::parse("off-limits", text).unwrap().closed(None).unwrap();
        assert_eq!(closed("/proc-none/a/b").as_path(), Path::new("/proc-none/a/b"));
        let real = std::fs::canonicalize("/var/run").unwrap();
        assert_eq!(closed("/var/run/no-such").as_path(), real.join("no-such"));
    }
}
