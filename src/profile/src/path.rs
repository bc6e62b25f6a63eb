//! An absolute path that cannot lie about where it points.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// An absolute path without `.`, `..`, empty components or NUL bytes; not necessarily UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        other.0.starts_with(&self.0)
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
    fn display_shows_escapes() {
        assert_eq!(AbsPath::new("/a\x1b[31mb").unwrap().to_string(), "/a\\x1b[31mb");
    }
}
