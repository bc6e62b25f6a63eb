//! The second wall: Landlock says once more what the mounts say, so that a hole in one of them is
//! closed by the other.
//!
//! It knows what was opened, and no paths: who mounts a place that the app may write to tells the wall
//! with the very descriptor. An app that may build sandboxes of its own gets no rules for files,
//! because the kernel lets nobody mount anything who has some.

use crate::error::{Context as _, Error, Result};
use crate::plan::Plan;
use crate::sys::{self, Handled, Rights, Ruleset, SignalsConfined};
use crate::tree::Kind;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};

const MESSAGE: &str = "the app cannot be confined by Landlock";

/// What is put together while a sandbox is built.
#[derive(Debug)]
pub(crate) struct Wall {
    /// Landlock's rules; nothing where the kernel has none.
    rules: Option<Ruleset>,
    /// Whether somebody outside may listen at a socket that the app could reach.
    heard_outside: Cell<bool>,
}

impl Wall {
    /// One around the tree of that plan, with nothing allowed yet.
    pub(crate) fn of_tree(plan: &Plan) -> Result<Self> {
        let handled = Handled { files: !plan.user_namespaces, ..Handled::default() };
        let rules = Ruleset::new(handled).context(MESSAGE)?;
        let heard_outside = Cell::new(!plan.own_network && !sys::has_scopes());
        Ok(Self { rules, heard_outside })
    }

    /// Notes that a directory is shown in which somebody outside can make a socket.
    pub(crate) fn is_heard_outside(&self) {
        self.heard_outside.set(true);
    }

    /// Whether there may be such a socket.
    pub(crate) fn heard_outside(&self) -> bool {
        self.heard_outside.get()
    }

    /// One around the light sandbox of that plan, where it is the first wall: whoever asks for it has
    /// confined its signals, so that this kernel has all of it that is needed.
    pub(crate) fn of_light(plan: &Plan) -> Result<Self> {
        let handled = Handled { files: true, tcp: plan.own_network, ..Handled::default() };
        let rules = Ruleset::new(handled).context(MESSAGE)?;
        Ok(Self { rules, heard_outside: Cell::new(true) })
    }

    /// Allows that to what `place` refers to, and to all below it.
    pub(crate) fn allow(&self, place: impl AsFd, rights: Rights, kind: Kind) -> Result<()> {
        let Some(rules) = &self.rules else { return Ok(()) };
        rules.allow(place, rights, kind == Kind::Directory).context(MESSAGE)
    }

    /// Lets a standard descriptor of the app be opened once more by its name in `/proc`, as it is.
    pub(crate) fn allow_descriptor(&self, fd: &OwnedFd) -> Result<()> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let flags = rustix::fs::fcntl_getfl(fd).context(MESSAGE)?;
        let rights = match flags & OFlags::RWMODE {
            OFlags::RDONLY => Rights::READ,
            OFlags::WRONLY => Rights::CONTROL,
            _ => Rights::READ | Rights::CONTROL,
        };
        match rules.allow(fd, rights, false) {
            // It has no place in any file system, as a pipe has none, and needs no rule.
            Ok(()) | Err(Errno::BADFD) => Ok(()),
            Err(errno) => Err(errno).context(MESSAGE),
        }
    }

    /// Confines this process for good.
    pub(crate) fn close(&self) -> Result<()> {
        let Some(rules) = &self.rules else { return Ok(()) };
        rules.enforce().map(drop).context(MESSAGE)
    }
}

/// Keeps the signals of this process, and of all that it starts, among themselves. Nothing else is
/// refused to it.
pub(crate) fn confine_signals() -> Result<SignalsConfined> {
    if !sys::has_scopes() {
        return Err(Error::new(
            "light walls need a Landlock that confines signals, as Linux 6.12 has it and this kernel has not",
        )
        .remedy("arkose run --walls full …"));
    }
    let rules = Ruleset::new(Handled { moves: true, ..Handled::default() }).context(MESSAGE)?;
    let rules = rules.ok_or_else(|| Error::new(MESSAGE))?;
    // A domain with rules for files nested in one without could rename nothing, before Linux 6.13.
    let root = rustix::fs::open(c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    rules.allow(root.context(MESSAGE)?, Rights::MOVE, true).context(MESSAGE)?;
    rules.enforce().context(MESSAGE)?.ok_or_else(|| Error::new(MESSAGE))
}
