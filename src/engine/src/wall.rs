//! The second wall: Landlock says once more what the mounts say, so that a hole in one of them is
//! closed by the other.
//!
//! It knows what was opened, and no paths: who mounts a place that the app may write to tells the wall
//! with the very descriptor. An app that may build sandboxes of its own gets no rules for files,
//! because the kernel lets nobody mount anything who has some.

use crate::error::{Context as _, Result};
use crate::plan::Plan;
use crate::sys::{Handled, Rights, Ruleset};
use crate::tree::Kind;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

const MESSAGE: &str = "the app cannot be confined by Landlock";

/// Rules that are put together while a sandbox is built; nothing where the kernel has no Landlock.
#[derive(Debug)]
pub(crate) struct Wall(Option<Ruleset>);

impl Wall {
    /// One around the tree of that plan, with nothing allowed yet.
    pub(crate) fn of_tree(plan: &Plan) -> Result<Self> {
        let handled = Handled { files: !plan.user_namespaces, ..Handled::default() };
        Ruleset::new(handled).map(Self).context(MESSAGE)
    }

    /// Allows that to what `place` refers to, and to all below it.
    pub(crate) fn allow(&self, place: impl AsFd, rights: Rights, kind: Kind) -> Result<()> {
        let Some(rules) = &self.0 else { return Ok(()) };
        rules.allow(place, rights, kind == Kind::Directory).context(MESSAGE)
    }

    /// Lets a standard descriptor of the app be opened once more by its name in `/proc`, as it is.
    pub(crate) fn allow_descriptor(&self, fd: &OwnedFd) -> Result<()> {
        let Some(rules) = &self.0 else { return Ok(()) };
        let flags = rustix::fs::fcntl_getfl(fd).context(MESSAGE)?;
        let rights = match flags & OFlags::RWMODE {
            OFlags::RDONLY => Rights::READ,
            OFlags::WRONLY => Rights::WRITE,
            _ => Rights::READ | Rights::WRITE,
        };
        match rules.allow(fd, rights, false) {
            // It has no place in any file system, as a pipe has none, and needs no rule.
            Ok(()) | Err(Errno::BADFD) => Ok(()),
            Err(errno) => Err(errno).context(MESSAGE),
        }
    }

    /// Confines this process for good.
    pub(crate) fn close(&self) -> Result<()> {
        let Some(rules) = &self.0 else { return Ok(()) };
        rules.enforce().map(drop).context(MESSAGE)
    }
}
