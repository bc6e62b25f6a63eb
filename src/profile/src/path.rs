//! An absolute path that cannot lie about where it points.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// An absolute path without `.`, `..`, empty components or NUL bytes; not necessarily UTF-8.
#[derive(Debug, Clone, PartialOrd, Ord)]
pub struct AbsPath(PathBuf);

/// Why a path is not an [`AbsPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It is empty or does not begin with `/`.
    #[error("is not an absolute path")]
    Relative,
    /// It has a component `..`.
    #[error("must not contain “..”")]
    Parent,
    /// It has a NUL byte.
    #[error("must not contain a NUL byte")]
    Nul,
}

impl AbsPath {
    /// Checks and normalises a path: `//a/./b/` becomes `/a/b`.
    ///
    /// # Errors
    /// When it is relative, has a `..` or a NUL byte.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, PathError> {
        let path = path.as_ref();
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(PathError::Nul);
        }
        if !path.is_absolute() {
            return Err(PathError::Relative);
        }
        if is_plain(path) {
            return Ok(Self(path.to_owned()));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(PathError::Parent);
        }
        Ok(Self(path.components().collect()))
    }

    /// `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(PathBuf::from("/"))
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// This path and a relative one below it.
    ///
    /// # Errors
    /// When what comes of it is not an [`AbsPath`], or `below` is absolute.
    pub fn join(&self, below: impl AsRef<Path>) -> Result<Self, PathError> {
        if below.as_ref().is_absolute() {
            return Err(PathError::Relative);
        }
        Self::new(self.0.join(below))
    }

    /// Whether `other` is this path or lies below it.
    #[must_use]
    pub fn contains(&self, other: &AbsPath) -> bool {
        // Both are plain, so that this is no matter of components; a launch asks it some hundred times.
        let rest = other.bytes().strip_prefix(self.bytes());
        rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]) || self.bytes() == b"/")
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }
}

// Of plain paths those are the same whose bytes are; the order is that of the components.
impl PartialEq for AbsPath {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for AbsPath {}

impl Hash for AbsPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Whether an absolute path is what it would be made, as most are.
fn is_plain(path: &Path) -> bool {
    let part = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    match path.as_os_str().as_bytes() {
        [b'/', rest @ ..] => rest.is_empty() || rest.split(|byte| *byte == b'/').all(part),
        _ => false,
    }
}

impl AsRef<Path> for AbsPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for AbsPath {
    /// For people: control characters and bytes that are not text are made visible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::visible(self.0.as_os_str().as_bytes()))
    }
}

impl Serialize for AbsPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.0.as_os_str().as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for AbsPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.into_bytes()
        } else {
            <Vec<u8>>::deserialize(deserializer)?
        };
        Self::new(OsString::from_vec(bytes)).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_absolute_paths_pass() {
        assert_eq!(AbsPath::new("//a/./b/").map(|p| p.as_path().to_owned()), Ok("/a/b".into()));
        assert_eq!(AbsPath::new("a/b"), Err(PathError::Relative));
        assert_eq!(AbsPath::new(""), Err(PathError::Relative));
        assert_eq!(AbsPath::new("/a/../b"), Err(PathError::Parent));
        assert_eq!(AbsPath::new("/a\0b"), Err(PathError::Nul));
    }

    #[test]
    fn a_prefix_of_a_name_is_no_parent() {
        let path = |text| AbsPath::new(text).unwrap();
        assert!(path("/home/a").contains(&path("/home/a/b")));
        assert!(!path("/home/a").contains(&path("/home/ab")));
    }

    #[test]
    fn every_short_path_is_what_its_components_are() {
        let mut texts = vec![String::from("/")];
        for _ in 0..6 {
            let longer =
                texts.iter().flat_map(|text| ["/", "a", "b", "."].map(|c| format!("{text}{c}")));
            texts.extend(longer.collect::<Vec<_>>());
            texts.sort();
            texts.dedup();
        }
        let path = |text: &String| AbsPath::new(text).ok();
        for text in &texts {
            let parent = Path::new(text).components().any(|part| part == Component::ParentDir);
            let plain: PathBuf = Path::new(text).components().collect();
            let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
            assert_eq!(path(text).is_none(), parent, "{text}");
            assert!(path(text).is_none_or(|path| bytes(path.as_path()) == bytes(&plain)), "{text}");
        }
        let paths: Vec<AbsPath> =
            texts.iter().filter(|text| text.len() < 6).filter_map(path).collect();
        for above in &paths {
            for below in &paths {
                let wanted = below.as_path().starts_with(above.as_path());
                assert_eq!(above.contains(below), wanted, "{above} {below}");
                assert_eq!(above == below, above.as_path() == below.as_path());
                assert_eq!(above == below, above.cmp(below).is_eq());
            }
        }
    }

    #[test]
    fn display_shows_escapes() {
        assert_eq!(AbsPath::new("/a\x1b[31mb").unwrap().to_string(), "/a\\x1b[31mb");
    }
}
