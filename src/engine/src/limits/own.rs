//! A control group that is made for one sandbox and removed with it.
//!
//! It lies beside or below the group of who makes it, so that what limits the user limits the
//! sandbox as well, and only in a directory that belongs to who makes it. Its directories are
//! locked as long as it is in use: what nobody holds is left from a crash, and the next launch
//! removes it.

use super::group::{Group, INNER, Part, open_directory, read, write};
use super::hierarchy::{self, Needed};
use super::keeper::Keeper;
use arkose_profile::Limits;
use rustix::fs::{AtFlags, CWD, Dir, FlockOperation, Mode};
use rustix::io::Errno;
use rustix::process::Uid;
use std::ffi::CStr;
use std::os::fd::OwnedFd;

/// How the names of the directories begin.
pub(super) const PREFIX: &str = "arkose-";

/// A control group of one sandbox; dropping it removes it, and all processes must be gone by then.
#[derive(Debug)]
pub struct Own {
    group: Group,
    made: Vec<Made>,
    keeper: Option<Keeper>,
}

/// A directory that was made, by where it is.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) parent: OwnedFd,
    pub(super) name: String,
    /// Held open for its lock.
    pub(super) lock: OwnedFd,
}

impl Own {
    /// Makes a group with these limits in directories of `owner`, who this process is.
    ///
    /// # Errors
    /// Why there is none: `ENOENT` when no hierarchy has what is needed, else what the kernel said.
    pub(super) fn make(limits: Limits, owner: Uid) -> Result<Self, Errno> {
        let needed = hierarchy::needed(limits).ok_or(Errno::NOENT)?;
        let mut own = Self { group: Group(Vec::new()), made: Vec::new(), keeper: None };
        for needed in &needed {
            let parent = parent(needed, owner)?;
            sweep(&parent, owner);
            let made = Made::new(parent)?;
            let outer = rustix::io::fcntl_dupfd_cloexec(&made.lock, 3);
            // What was made so far is removed when this fails.
            own.made.push(made);
            let part = Part::new(needed.hierarchy, outer?)?;
            part.limit(limits)?;
            own.group.0.push(part);
        }
        own.keeper = Some(Keeper::start(&own.made)?);
        Ok(own)
    }

    /// The group itself.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.made.iter().for_each(Made::remove);
        drop(self.keeper.take());
    }
}

impl Made {
    fn new(parent: OwnedFd) -> Result<Self, Errno> {
        loop {
            let name = format!("{PREFIX}{}", random()?);
            // Others may read what is in it, and not open it: a lock of theirs would keep it for ever.
            rustix::fs::mkdirat(&parent, &name, Mode::RWXU | Mode::XGRP | Mode::XOTH)?;
            // A launch at the same moment may take it for one that was left, until it is locked.
            let Ok(lock) = open_directory(&parent, &name) else { continue };
            rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
            let there = rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW);
            let held = rustix::fs::fstat(&lock)?;
            if there.is_ok_and(|there| there.st_ino == held.st_ino) {
                return Ok(Self { parent, name, lock });
            }
        }
    }

    /// Removes both directories; `false` while there are processes in them.
    pub(super) fn try_remove(&self) -> bool {
        let gone = |result| matches!(result, Ok(()) | Err(Errno::NOENT));
        let _ = rustix::fs::unlinkat(&self.lock, INNER, AtFlags::REMOVEDIR);
        gone(rustix::fs::unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR))
    }

    /// A process that was ended stays a moment.
    fn remove(&self) {
        for _ in 0..super::keeper::ATTEMPTS {
            if self.try_remove() {
                return;
            }
            super::keeper::pause();
        }
    }
}

/// The nearest directory at or above our own group that can have one with the controllers.
fn parent(needed: &Needed, owner: Uid) -> Result<OwnedFd, Errno> {
    let mut cause = Errno::NOENT;
    for above in needed.own.ancestors() {
        let path = needed.point.join(above);
        let directory = match open_directory(CWD, &path) {
            Ok(directory) => directory,
            Err(errno) => {
                cause = errno;
                continue;
            }
        };
        if rustix::fs::fstat(&directory)?.st_uid != owner.as_raw() {
            cause = Errno::ACCESS;
            continue;
        }
        match switch_on(&directory, &needed.controllers) {
            Ok(()) => return Ok(directory),
            Err(errno) => cause = errno,
        }
    }
    Err(cause)
}

/// Whether root can make a group with these limits, as far as can be seen without trying.
#[must_use]
pub fn root_could_limit(limits: Limits) -> bool {
    let has = |directory: &OwnedFd, controllers: &[&str]| {
        let text = read(directory, "cgroup.controllers").unwrap_or_default();
        controllers.iter().all(|one| text.split_whitespace().any(|other| other == *one))
    };
    let roots = |needed: &Needed| {
        let paths = needed.own.ancestors().map(|above| needed.point.join(above));
        let mut directories = paths.filter_map(|path| open_directory(CWD, &path).ok());
        directories.any(|directory| {
            let root = rustix::fs::fstat(&directory).is_ok_and(|stat| stat.st_uid == 0);
            root && has(&directory, &needed.controllers)
        })
    };
    hierarchy::needed(limits).is_some_and(|needed| needed.iter().all(roots))
}

/// Switches controllers on for the groups below a directory; fails where processes are in it.
fn switch_on(directory: &OwnedFd, controllers: &[&str]) -> Result<(), Errno> {
    let file = "cgroup.subtree_control";
    let text = read(directory, file).unwrap_or_default();
    let missing: Vec<_> = controllers
        .iter()
        .filter(|controller| !text.split_whitespace().any(|one| one == **controller))
        .map(|controller| format!("+{controller}"))
        .collect();
    if missing.is_empty() { Ok(()) } else { write(directory, file, &missing.join(" ")) }
}

/// Removes what others left: nobody holds its lock, and no process is in it.
fn sweep(parent: &OwnedFd, owner: Uid) {
    let Ok(entries) = Dir::read_from(parent) else { return };
    for entry in entries.flatten() {
        let name: &CStr = entry.file_name();
        let Some(name) = name.to_str().ok().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Ok(lock) = open_directory(parent, name) else { continue };
        let ours = rustix::fs::fstat(&lock).is_ok_and(|stat| stat.st_uid == owner.as_raw());
        let free = || rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        if ours && free() {
            let _ = rustix::fs::unlinkat(&lock, INNER, AtFlags::REMOVEDIR);
            let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Sixteen hexadecimal digits.
fn random() -> Result<String, Errno> {
    let mut bytes = [0u8; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}
