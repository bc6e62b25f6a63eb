//! What a sandbox may use up, and how that is enforced.
//!
//! A limit needs a control group: one that the supervisor was given by systemd, or one that is made
//! here, by root or by a user who may. Only a number of processes can do without, in a user
//! namespace. A launch without limits comes here for nothing.

mod group;
mod hierarchy;
mod keeper;
mod own;
mod usage;

pub use group::Group;
pub use own::{Own, root_could_limit};
pub use usage::Usage;

use crate::error::{Error, Result};
use crate::ids::Caller;
use crate::plan::Way;
use crate::sys;
use arkose_profile::{Limits, Walls};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use std::os::fd::OwnedFd;

/// Where a sandbox's processes are kept.
pub(crate) enum Place {
    /// In a group that was made for it.
    Own(Own),
    /// In a group of the caller's; the directory.
    Given(OwnedFd),
    /// Nowhere, with so many processes in its user namespace.
    Counted(u32),
    /// Nowhere, without a limit.
    Free,
}

/// Finds what can enforce the limits; `given` is a group that enforces them already.
pub(crate) fn place(
    limits: Limits,
    given: Option<OwnedFd>,
    way: Way,
    caller: &Caller,
) -> Result<Place> {
    if let Some(given) = given {
        group::check(&given, caller)?;
        return Ok(Place::Given(given));
    }
    if !limits.any() {
        return Ok(Place::Free);
    }
    let owner = if way == Way::Helper { rustix::process::Uid::ROOT } else { caller.uid };
    let cause = match Own::make(limits, owner) {
        Ok(own) => return Ok(Place::Own(own)),
        Err(cause) => cause,
    };
    let only_processes = Limits { processes: 0, ..limits } == Limits::NONE;
    // The kernel counts the processes of a user namespace, but not those of root.
    if way == Way::User && only_processes && !caller.uid.is_root() {
        return Ok(Place::Counted(limits.processes));
    }
    Err(unable(limits, way, cause))
}

/// There is no group that could enforce a limit.
fn unable(limits: Limits, way: Way, cause: Errno) -> Error {
    let (message, option) = if limits.memory > 0 {
        ("memory cannot be limited", "--memory 0")
    } else if limits.processes > 0 {
        ("the number of processes cannot be limited", "--processes 0")
    } else {
        ("the share of the processor cannot be set", "--cpu-weight 100")
    };
    let (whose, remedy) = match way {
        Way::User => ("gives this user no control group", "arkose run --via helper …".to_owned()),
        Way::Helper => {
            ("has no control group with the controllers", format!("arkose run {option} …"))
        }
    };
    let error = Error::new(format!("{message}: this machine {whose} for it"));
    let error = error.because(cause).remedy(remedy);
    if way == Way::User { error.needs_root() } else { error }
}

impl Place {
    /// Of which `clone3` makes the new process a member.
    pub(crate) fn born_in(&self) -> Option<&OwnedFd> {
        match self {
            Place::Own(own) => own.group().born_in(),
            Place::Given(directory) => Some(directory),
            Place::Counted(_) | Place::Free => None,
        }
    }
}

/// What the sandbox's first process, which lives where the limits hold, has to know of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside {
    /// Whether it is there.
    pub(crate) entered: Result<(), Errno>,
    /// How many processes the app may have in its user namespace, where nothing else counts them.
    pub(crate) counted: Option<u32>,
}

impl Inside {
    /// Moves this process in where it could not be born there, and makes that the top of what it
    /// sees of control groups.
    pub(crate) fn enter(place: &Place, walls: Walls) -> Self {
        let counted = if let Place::Counted(processes) = place { Some(*processes) } else { None };
        let entered = match place {
            Place::Own(own) => own.group().enter().and_then(|()| see_as_top(walls)),
            Place::Given(_) => see_as_top(walls),
            Place::Counted(_) | Place::Free => Ok(()),
        };
        Self { entered, counted }
    }
}

/// With light walls the app sees the control groups of the host, and may change none.
fn see_as_top(walls: Walls) -> Result<(), Errno> {
    if walls == Walls::Full { sys::unshare_cgroup() } else { Ok(()) }
}

/// Lets this process and what it starts have so many processes beside the sandbox's first. Neither
/// they nor what they make in user namespaces of their own can raise it again: the kernel counts all
/// of them in every namespace above (`UCOUNT_RLIMIT_NPROC`, since Linux 5.14).
pub(crate) fn count_processes(most: u32) -> Result<(), Errno> {
    let most = Some(u64::from(most) + 1);
    rustix::process::setrlimit(Resource::Nproc, Rlimit { current: most, maximum: most })
}
