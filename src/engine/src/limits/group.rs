//! A control group whose limits are set: one directory of the unified hierarchy, or one in each of
//! the older hierarchies that are needed.
//!
//! It is two directories deep. The files that set the limits are in the outer one, and the processes
//! in the inner: an app that can mount control groups sees no more than its own, and could otherwise
//! write to what belongs to its user.

use crate::error::{Context as _, Error, Result};
use crate::ids::Caller;
use arkose_profile::Limits;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// The name of the inner directory.
pub(super) const INNER: &str = "app";
/// `CGROUP2_SUPER_MAGIC` of linux/magic.h.
const UNIFIED: u32 = 0x6367_7270;

/// Which hierarchy a directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// Version 2, with every controller.
    Unified,
    /// One of version 1, with this controller.
    Memory,
    /// As `Memory`.
    Pids,
    /// As `Memory`.
    Cpu,
}

/// A directory of one hierarchy, and the one in it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) hierarchy: Hierarchy,
    pub(super) outer: OwnedFd,
    pub(super) inner: OwnedFd,
}

/// A control group whose limits are set.
#[derive(Debug)]
pub struct Group(pub(super) Vec<Part>);

impl Group {
    /// Sets the limits on an empty directory of the unified hierarchy whose controllers are
    /// switched on, and makes the inner one.
    ///
    /// # Errors
    /// When it is no such directory, or not this process's to change.
    pub fn unified(outer: OwnedFd, limits: Limits) -> Result<Self, Errno> {
        let part = Part::new(Hierarchy::Unified, outer)?;
        part.limit(limits)?;
        Ok(Self(vec![part]))
    }

    /// The directory of which a process can be made a member when it is made.
    #[must_use]
    pub fn born_in(&self) -> Option<&OwnedFd> {
        match self.0.as_slice() {
            [Part { hierarchy: Hierarchy::Unified, inner, .. }] => Some(inner),
            _ => None,
        }
    }

    /// Makes this process a member of what it was not born into.
    pub(super) fn enter(&self) -> Result<(), Errno> {
        for part in self.0.iter().filter(|part| part.hierarchy != Hierarchy::Unified) {
            write(&part.inner, "cgroup.procs", "0")?;
        }
        Ok(())
    }
}

impl Part {
    /// Makes the inner directory.
    pub(super) fn new(hierarchy: Hierarchy, outer: OwnedFd) -> Result<Self, Errno> {
        rustix::fs::mkdirat(&outer, INNER, Mode::RWXU)?;
        let inner = open_directory(&outer, INNER)?;
        Ok(Self { hierarchy, outer, inner })
    }

    /// Sets what this hierarchy can limit.
    pub(super) fn limit(&self, limits: Limits) -> Result<(), Errno> {
        let here = |hierarchy| [Hierarchy::Unified, hierarchy].contains(&self.hierarchy);
        if limits.memory > 0 && here(Hierarchy::Memory) {
            self.limit_memory(limits.memory)?;
        }
        if limits.processes > 0 && here(Hierarchy::Pids) {
            // The sandbox's first process is not the app's.
            let most = u64::from(limits.processes) + 1;
            write(&self.outer, "pids.max", &most.to_string())?;
        }
        if limits.cpu_weight != Limits::EVEN && here(Hierarchy::Cpu) {
            self.weigh(limits.cpu_weight)?;
        }
        Ok(())
    }

    /// What is swapped out is memory, too: a limit without it would only make the machine slow.
    fn limit_memory(&self, bytes: u64) -> Result<(), Errno> {
        let bytes = bytes.to_string();
        let (limit, swap, most) = match self.hierarchy {
            Hierarchy::Unified => ("memory.max", "memory.swap.max", "0"),
            // Here the second is for both together.
            _ => ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes.as_str()),
        };
        write(&self.outer, limit, &bytes)?;
        match write(&self.outer, swap, most) {
            // A kernel that does not count swap.
            Err(Errno::NOENT | Errno::OPNOTSUPP) => Ok(()),
            result => result,
        }
    }

    fn weigh(&self, weight: u32) -> Result<(), Errno> {
        match self.hierarchy {
            Hierarchy::Unified => write(&self.outer, "cpu.weight", &weight.to_string()),
            _ => {
                // 1024 is the weight of others here, and 2 the smallest.
                let shares = (u64::from(weight) * 1024 / u64::from(Limits::EVEN)).max(2);
                write(&self.outer, "cpu.shares", &shares.to_string())
            }
        }
    }
}

/// What a user gives to root as a group must be one, and the user's.
pub(super) fn check(directory: &OwnedFd, caller: &Caller) -> Result<()> {
    let message = "the control group for the sandbox cannot be used";
    let stat = rustix::fs::fstat(directory).context(message)?;
    let unified = rustix::fs::fstatfs(directory).context(message)?.f_type;
    let is_group = u32::try_from(unified) == Ok(UNIFIED)
        && FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if is_group && stat.st_uid == caller.uid.as_raw() { Ok(()) } else { Err(Error::new(message)) }
}

pub(super) fn open_directory(
    at: impl std::os::fd::AsFd,
    name: impl rustix::path::Arg,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}

/// Writes to a file of a group, which takes it whole or not at all.
pub(super) fn write(directory: &OwnedFd, name: &str, text: &str) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    rustix::io::write(&file, text.as_bytes()).map(drop)
}

/// Reads a file of a group; nothing when it is not there. They are a few lines long.
pub(super) fn read(directory: &OwnedFd, name: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty()).ok()?;
    let mut buffer = [0; 4096];
    let length = rustix::io::read(&file, &mut buffer).ok()?;
    String::from_utf8(buffer.get(..length)?.to_vec()).ok()
}
