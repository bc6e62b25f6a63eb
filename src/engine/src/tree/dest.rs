//! Finding and making the places inside at which something is mounted.
//!
//! A place is always looked for below the new root, which the kernel enforces for every component
//! even while somebody swaps them. In a directory that an app can or could fill, no symbolic link
//! is followed at all.

use super::Builder;
use crate::error::{Error, Result};
use arkose_profile::AbsPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

/// What is mounted and what it is mounted on must be of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    Other,
}

impl Kind {
    pub(super) fn of(kind: FileType) -> Self {
        match kind {
            FileType::Directory => Self::Directory,
            _ => Self::Other,
        }
    }
}

/// The kind of an open file.
pub(crate) fn kind_of(fd: impl AsFd) -> Result<Kind, Errno> {
    rustix::fs::fstat(fd).map(|stat| Kind::of(FileType::from_raw_mode(stat.st_mode)))
}

/// A directory inside, held open.
#[derive(Debug, Clone)]
pub(super) struct Above {
    pub(super) directory: Rc<OwnedFd>,
    /// Whether it is one of the tree's own, of which nothing is the host's.
    pub(super) own: bool,
}

/// The directory above a place, and its name there.
pub(super) fn split(dest: &AbsPath) -> Result<(AbsPath, &OsStr)> {
    let path = dest.as_path();
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(format!("“{dest}” has no name")));
    };
    AbsPath::new(above)
        .map(|above| (above, name))
        .map_err(|error| Error::new(format!("“{dest}” {error}")))
}

/// Opens a path without any right to read or write.
pub(super) fn open_path(
    at: impl AsFd,
    path: &Path,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
    loop {
        // EAGAIN: something was renamed while the kernel looked, and it could not be sure.
        match rustix::fs::openat2(&at, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            result => return result,
        }
    }
}

/// Directories of which none lies below another, to be asked which of them contains a path.
#[derive(Debug)]
pub(crate) struct Outermost(Vec<AbsPath>);

impl Outermost {
    pub(crate) fn of<'a>(directories: impl Iterator<Item = &'a AbsPath>) -> Self {
        let mut sorted: Vec<&AbsPath> = directories.collect();
        sorted.sort();
        let mut kept: Vec<AbsPath> = Vec::new();
        for directory in sorted {
            if !kept.last().is_some_and(|last| last.contains(directory)) {
                kept.push(directory.clone());
            }
        }
        Self(kept)
    }

    /// The directory that strictly contains `path`, and the rest of the path.
    pub(super) fn around<'a>(&'a self, path: &'a AbsPath) -> Option<(&'a AbsPath, &'a Path)> {
        // Sorted by component, a directory comes before all that it contains, and, as none contains
        // another, right before it.
        let at = self.0.partition_point(|directory| directory < path);
        let directory = self.0.get(at.checked_sub(1)?)?;
        path.as_path().strip_prefix(directory).ok().map(|rest| (directory, rest))
    }
}

impl Builder<'_> {
    /// The place that `dest` names, which must exist and be where the app could go by itself: what is
    /// found must not tell a caller what lies where only root can look.
    pub(super) fn find(&self, dest: &AbsPath) -> Result<OwnedFd, Errno> {
        let _ids = self.as_ids(self.looking()).map_err(|_| Errno::PERM)?;
        match self.fillable.around(dest) {
            Some((directory, rest)) => {
                let directory = self.find_in_root(directory)?;
                open_path(directory, rest, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
            }
            None => self.find_in_root(dest),
        }
    }

    fn find_in_root(&self, dest: &AbsPath) -> Result<OwnedFd, Errno> {
        open_path(self.tree.root(), dest.as_path(), ResolveFlags::IN_ROOT)
    }

    /// The place that `dest` names; what is missing on the way to it is made. That something can be
    /// mounted there only if both are directories, or neither, the kernel sees to.
    pub(super) fn place(&self, dest: &AbsPath, kind: Kind) -> Result<OwnedFd> {
        // Most are missing, and in a directory of our own that shows when they are made.
        if let Ok(above) = self.above(&split(dest)?.0)
            && above.own
            && let Some(place) = self.make(dest, kind, &above)?
        {
            return Ok(place);
        }
        match self.find(dest) {
            Err(Errno::NOENT) => self.make_with_above(dest, kind),
            found => found.map_err(|errno| unreachable_place(dest, errno)),
        }
    }

    /// Makes a place that is missing, after the directories above it.
    fn make_with_above(&self, dest: &AbsPath, kind: Kind) -> Result<OwnedFd> {
        let (path, _) = split(dest)?;
        let above = match self.above(&path) {
            Err(Errno::NOENT) => {
                self.known.take();
                self.place(&path, Kind::Directory)?;
                self.above(&path)
            }
            found => found,
        };
        let above = above.map_err(|errno| unreachable_place(dest, errno))?;
        let made = self.make(dest, kind, &above)?;
        made.ok_or_else(|| unreachable_place(dest, Errno::EXIST))
    }

    /// Makes a place in a directory that is held open; nothing when something is there.
    fn make(&self, dest: &AbsPath, kind: Kind, above: &Above) -> Result<Option<OwnedFd>> {
        let (_, name) = split(dest)?;
        let parent = &*above.directory;
        {
            let _as_owner = self.as_ids(self.maker(dest, above.own))?;
            let made = match kind {
                Kind::Directory => rustix::fs::mkdirat(parent, name, self.mode_of(dest)),
                Kind::Other => empty_file(parent, name),
            };
            match made {
                Err(Errno::EXIST) => return Ok(None),
                made => made.map_err(|errno| unreachable_place(dest, errno))?,
            }
        }
        let own = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let place = open_path(parent, Path::new(name), own);
        place.map(Some).map_err(|errno| unreachable_place(dest, errno))
    }

    /// A directory in which something is to be made.
    pub(super) fn above(&self, path: &AbsPath) -> Result<Above, Errno> {
        if path.as_path() == Path::new("/") {
            return Ok(Above { directory: Rc::clone(self.tree.root()), own: true });
        }
        if let Some((known, above)) = &*self.known.borrow()
            && known == path
        {
            return Ok(above.clone());
        }
        let directory = Rc::new(self.find(path)?);
        let own = self.tree.holds(&directory)?;
        let above = Above { directory, own };
        self.known.replace(Some((path.clone(), above.clone())));
        Ok(above)
    }

    /// Only below the home does the app need to make something beside a place: an editor that finds
    /// that it cannot writes into the file itself, over which, as a mount, nothing can be renamed.
    fn mode_of(&self, dest: &AbsPath) -> Mode {
        Mode::from_raw_mode(if self.plan.home.contains(dest) { 0o755 } else { 0o555 })
    }

    /// With whose ids places are looked for: the app's, if it is somebody else than this process.
    fn looking(&self) -> (Uid, Gid) {
        if self.plan.as_root { self.own } else { self.owners.caller }
    }

    /// With whose ids a place is made: in the tree's own tmpfs the system's, or the app's below the
    /// home. Anywhere else it may be the host's directory that is written to, and then only what
    /// the caller may do is done.
    fn maker(&self, dest: &AbsPath, in_own: bool) -> (Uid, Gid) {
        let in_home = self.plan.home.contains(dest) && self.plan.home != *dest;
        match (in_own, in_home) {
            (true, false) => self.own,
            (true, true) => self.owners.app,
            // Through a mount that translates owners, root is the caller.
            (false, _) => self.looking(),
        }
    }
}

/// An empty file to mount something on; never one that is there already.
fn empty_file(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
    rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600)).map(drop)
}

fn unreachable_place(dest: &AbsPath, errno: Errno) -> Error {
    match errno {
        Errno::LOOP => through_link(dest),
        errno => Error::new(format!("“{dest}” cannot be made inside")).because(errno),
    }
}

pub(super) fn through_link(path: &AbsPath) -> Error {
    Error::new(format!(
        "“{path}” goes through a symbolic link in a directory that the app can change"
    ))
    .remedy("remove that link, or share the directory that it points to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_directory_around_a_path() {
        let path = |text: &str| AbsPath::new(text).unwrap();
        let paths = [path("/a/b"), path("/a"), path("/a-b"), path("/c/d")];
        let outermost = Outermost::of(paths.iter());
        let around = |text: &str| {
            let path = path(text);
            outermost.around(&path).map(|(dir, rest)| (dir.clone(), rest.to_owned()))
        };
        assert_eq!(around("/a/b/c"), Some((path("/a"), "b/c".into())));
        assert_eq!(around("/a-b/x"), Some((path("/a-b"), "x".into())));
        assert_eq!(around("/c/d/e"), Some((path("/c/d"), "e".into())));
        for outside in ["/a", "/c", "/c/dd", "/b", "/ab/c"] {
            assert_eq!(around(outside), None, "{outside}");
        }
    }
}
