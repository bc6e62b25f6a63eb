//! The new root: one size-limited tmpfs that holds the tree's own directories and every copy.
//!
//! The tmpfs is mounted over `/` of the new mount namespace, where the host's paths stay reachable
//! because they are looked up from the root that this process still has. At the end the process
//! moves into the new root, and the host's tree goes, with the tmpfs's own root: the directories
//! for copies have no name inside.

use super::dest::{Above, Kind, split};
use super::{Builder, attach, copy_of};
use crate::error::{Context as _, Error, Result};
use crate::sys::{MountAttr, Rights, set_mount_attr};
use arkose_profile::AbsPath;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, UnmountFlags};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

/// The new root and the place for copies.
pub(crate) struct Tree {
    host: OwnedFd,
    scratch: OwnedFd,
    root: Rc<OwnedFd>,
    /// The file system that both are of.
    device: u64,
}

impl Tree {
    /// Cuts this mount namespace off from the host's and mounts an empty root of at most `size`
    /// bytes (0: half of the memory).
    pub(crate) fn new(size: u64) -> Result<Self> {
        let message = "the sandbox's root directory cannot be mounted";
        let host = rustix::fs::openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .context(message)?;
        let private = MountAttr { private: true, recursive: true, ..MountAttr::default() };
        set_mount_attr(&host, &private)
            .context("the mounts cannot be separated from the host's")?;
        let scratch = tmpfs(size).context(message)?;
        attach(&scratch, &host).context(message)?;
        rustix::fs::mkdirat(&scratch, c"root", Mode::from_raw_mode(0o755)).context(message)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory =
            rustix::fs::openat(&scratch, c"root", flags, Mode::empty()).context(message)?;
        let root = copy_of(directory, false).context(message)?;
        attach(&root, &host).context(message)?;
        let device = rustix::fs::fstat(&root).context(message)?.st_dev;
        Ok(Self { host, scratch, root: Rc::new(root), device })
    }

    pub(super) fn root(&self) -> &Rc<OwnedFd> {
        &self.root
    }

    /// Whether something lies in the tree's own tmpfs, and not in what is mounted there.
    pub(super) fn holds(&self, place: &OwnedFd) -> Result<bool, Errno> {
        Ok(rustix::fs::fstat(place)?.st_dev == self.device)
    }

    /// Makes the new root the root of this process; nothing of the host's tree stays mounted.
    pub(crate) fn enter(self) -> Result<()> {
        let message = "the sandbox's root directory cannot be entered";
        rustix::process::fchdir(&self.root).context(message)?;
        rustix::process::pivot_root(c".", c".").context(message)?;
        // The host's root now lies over the new one, where only this descriptor leads, and the
        // tmpfs over the host's: the uppermost goes first.
        rustix::process::fchdir(&self.host).context(message)?;
        for _ in ["the tmpfs", "the host"] {
            rustix::mount::unmount(c".", UnmountFlags::DETACH).context(message)?;
        }
        rustix::process::chdir(c"/").context(message)
    }
}

fn tmpfs(size: u64) -> Result<OwnedFd, Errno> {
    let fs = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(&fs, c"source", c"arkose")?;
    rustix::mount::fsconfig_set_string(&fs, c"mode", c"0755")?;
    if size > 0 {
        rustix::mount::fsconfig_set_string(&fs, c"size", size.to_string())?;
    }
    rustix::mount::fsconfig_create(&fs)?;
    let attr = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attr)
}

impl Builder<'_> {
    pub(super) fn directory(&self, dest: &AbsPath, mode: u32, owned: bool) -> Result<()> {
        let message = "cannot be made inside";
        let (parent, name) = self.parent(dest)?;
        // The umask of this process is empty.
        match rustix::fs::mkdirat(&*parent, name, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => return Ok(()),
            result => result.path(dest, message)?,
        }
        if self.is_apps(dest, mode, owned) {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let made = rustix::fs::openat(&*parent, name, flags, Mode::empty());
            self.wall.allow(made.path(dest, message)?, Rights::CHANGE, Kind::Directory)?;
        }
        if owned && self.owners.app != self.own {
            let (uid, gid) = self.owners.app;
            rustix::fs::chownat(&*parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .path(dest, message)?;
        }
        Ok(())
    }

    /// Whether the app may write to one of the tree's own directories. What is mounted below those of
    /// the kernel's file systems is told to the wall where it is mounted.
    fn is_apps(&self, dest: &AbsPath, mode: u32, owned: bool) -> bool {
        let kernels = ["/dev", "/proc", "/sys"].iter().any(|own| dest.as_path() == Path::new(own));
        owned || mode & 0o002 != 0 || (self.plan.as_root && !kernels)
    }

    /// What every app may do anywhere: read, and start programs. Who is root of a copy of the system
    /// makes entries in its uppermost directory as well, and a right to a directory is one to all below.
    pub(super) fn open_root(&self) -> Result<()> {
        let rights =
            if self.plan.copied_for_root { Rights::USE | Rights::CHANGE } else { Rights::USE };
        self.wall.allow(self.tree.root(), rights, Kind::Directory)
    }

    pub(super) fn symlink(&self, dest: &AbsPath, target: &[u8]) -> Result<()> {
        let (parent, name) = self.parent(dest)?;
        match rustix::fs::symlinkat(target, &*parent, name) {
            Err(Errno::EXIST) => Ok(()),
            result => result.path(dest, "cannot be made inside"),
        }
    }

    fn parent<'p>(&self, dest: &'p AbsPath) -> Result<(Rc<OwnedFd>, &'p OsStr)> {
        let (above, name) = split(dest)?;
        // The plan makes the system's own places before anything of the host is mounted there.
        match self.above(&above).path(dest, "cannot be made inside")? {
            Above { directory, own: true } => Ok((directory, name)),
            _ => Err(Error::new(format!("“{dest}” is not among the sandbox's own places"))),
        }
    }

    /// A directory of the app's user in the place for copies; it has no name inside.
    pub(super) fn new_directory(&mut self, mode: Mode) -> Result<OwnedFd> {
        let message = "there is no place for the sandbox's changes";
        let name = self.next_name();
        rustix::fs::mkdirat(&self.tree.scratch, &name, Mode::from_raw_mode(0o700))
            .context(message)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd =
            rustix::fs::openat(&self.tree.scratch, &name, flags, Mode::empty()).context(message)?;
        self.hand_over(&fd, mode).context(message)?;
        Ok(fd)
    }

    /// Makes a directory the app's user's own.
    pub(super) fn give_to_app(&self, place: &OwnedFd, mode: Mode) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(place, c".", flags, Mode::empty())?;
        self.hand_over(&fd, mode)
    }

    /// Makes what this process has just made the app's user's. In a user namespace it is already.
    fn hand_over(&self, fd: &OwnedFd, mode: Mode) -> Result<(), Errno> {
        let (uid, gid) = self.owners.app;
        if (uid, gid) != self.own {
            rustix::fs::fchown(fd, Some(uid), Some(gid))?;
        }
        rustix::fs::fchmod(fd, mode)
    }

    /// A file of the app's user in the place for copies.
    pub(super) fn new_file(&mut self, content: &[u8], mode: Mode) -> Result<OwnedFd> {
        let message = "there is no place for the sandbox's files";
        let name = self.next_name();
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.tree.scratch, &name, flags, Mode::from_raw_mode(0o600))
            .context(message)?;
        let mut rest = content;
        while !rest.is_empty() {
            let written = rustix::io::write(&fd, rest).context(message)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        self.hand_over(&fd, mode).context(message)?;
        Ok(fd)
    }

    fn next_name(&mut self) -> String {
        self.used += 1;
        self.used.to_string()
    }
}
