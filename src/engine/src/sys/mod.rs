//! The system calls that no well-kept crate offers safely; the only `unsafe` of the project.
//!
//! Each function is one call (or the few that belong together) with its arguments checked by their
//! types. They may be used only by a process with one thread, as the helper and everything that it
//! forks is.

#![allow(unsafe_code, reason = "this is the one module that may; every block says why it is sound")]

mod attempt;
mod ids;
mod kernel;
mod landlock;
mod mount;
mod process;
mod seccomp;
mod signals;

pub use attempt::attempt;
pub(crate) use ids::{FsIds, fs_ids};
pub(crate) use kernel::{
    bring_loopback_up, close_all_but, close_from, hide_arguments, keep_only, peer_groups,
    put_in_place,
};
pub use landlock::has_scopes;
pub(crate) use landlock::{Handled, Rights, Ruleset, SignalsConfined};
pub(crate) use mount::{MountAttr, set_mount_attr};
pub(crate) use process::{
    Child, Clone, Forked, clone, enter_network, execve, exit, kill_confined, unshare_cgroup,
    unshare_user, unshare_user_and_network,
};
pub(crate) use seccomp::{Instruction, load_filter};
pub(crate) use signals::{SignalFd, reset_signals};

use rustix::io::Errno;

/// Turns what `syscall` returned into a result.
fn check(returned: libc::c_long) -> Result<libc::c_long, Errno> {
    if returned < 0 { Err(last_errno()) } else { Ok(returned) }
}

fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}
