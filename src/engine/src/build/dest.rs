//! Finding and making the places inside at which something is mounted.
//!
//! A place is always looked for below the new root, which the kernel enforces for every component
//! even while somebody swaps them. In a directory that an app can or could fill, no symbolic link
//! is followed at all.

use super::{Builder, as_ids};
use crate::error::{Context as _, Error, Result};
use arkose_profile::AbsPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// What is mounted and what it is mounted on must be of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    Other,
}

/// The kind of an open file.
pub(super) fn kind_of(fd: impl AsFd) -> Result<Kind, Errno> {
    let mode = rustix::fs::fstat(fd)?.st_mode;
    Ok(match FileType::from_raw_mode(mode) {
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    })
}

/// Opens a path without any right to read or write.
pub(super) fn open_path(at: impl AsFd, path: &Path, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
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

/// The outermost of `directories` that strictly contains `path`, and the rest of the path.
pub(super) fn within<'a>(
    directories: impl Iterator<Item = &'a AbsPath>,
    path: &'a AbsPath,
) -> Option<(&'a AbsPath, &'a Path)> {
    let outermost = directories.filter(|dir| dir.contains(path) && *dir != path).min()?;
    path.as_path().strip_prefix(outermost).ok().map(|rest| (outermost, rest))
}

impl Builder<'_> {
    /// The place that `dest` names, which must exist.
    pub(super) fn find(&self, dest: &AbsPath) -> Result<OwnedFd, Errno> {
        let fillable = self.plan.writable.iter().chain(&self.plan.private_home);
        match within(fillable, dest) {
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

    /// The place that `dest` names; what is missing on the way to it is made.
    pub(super) fn place(&self, dest: &AbsPath, kind: Kind) -> Result<OwnedFd> {
        let found = match self.find(dest) {
            Err(Errno::NOENT) => {
                self.make(dest, kind)?;
                self.find(dest)
            }
            found => found,
        };
        let place = found.map_err(|errno| unreachable_place(dest, errno))?;
        if kind_of(&place).path(dest, "cannot be made inside")? != kind {
            return Err(Error::new(format!(
                "“{dest}” is a directory outside and a file inside, or the other way round"
            )));
        }
        Ok(place)
    }

    /// Makes the missing components, each below a directory that is held open.
    fn make(&self, dest: &AbsPath, kind: Kind) -> Result<()> {
        let message = "cannot be made inside";
        let _as_owner = as_ids(self.owner_of(dest))?;
        let mut parent = self.tree.root().try_clone_to_owned().map_err(|_| {
            Error::new("there are too many open files").remedy("ulimit -n 1024")
        })?;
        let mut path = AbsPath::new("/").map_err(|error| Error::new(error.to_string()))?;
        let mut names = dest.as_path().iter().skip(1).peekable();
        while let Some(name) = names.next() {
            path = path.join(name).map_err(|error| Error::new(format!("“{dest}” {error}")))?;
            parent = match self.find(&path) {
                Err(Errno::NOENT) => {
                    let last = names.peek().is_none();
                    let mode = Mode::from_raw_mode(0o755);
                    if last && kind == Kind::Other {
                        empty_file(&parent, name)
                    } else {
                        rustix::fs::mkdirat(&parent, name, mode)
                    }
                    .path(dest, message)?;
                    self.find(&path).map_err(|errno| unreachable_place(dest, errno))?
                }
                found => found.map_err(|errno| unreachable_place(dest, errno))?,
            };
        }
        Ok(())
    }

    /// Places below the home belong to the app's user, others to the system.
    fn owner_of(&self, dest: &AbsPath) -> (rustix::process::Uid, rustix::process::Gid) {
        if self.plan.home.contains(dest) && self.plan.home != *dest {
            self.owners.app
        } else {
            (rustix::process::geteuid(), rustix::process::getegid())
        }
    }
}

/// An empty file to mount something on; never one that is there already.
fn empty_file(parent: &OwnedFd, name: &std::ffi::OsStr) -> Result<(), Errno> {
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
    Error::new(format!("“{path}” goes through a symbolic link in a directory that the app can change"))
        .remedy("remove that link, or share the directory that it points to")
}
