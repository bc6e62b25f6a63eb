//! Landlock's scoping: no abstract socket and no signal leaves the sandbox.
//!
//! With a network namespace of its own a sandbox has its own abstract sockets; with the host's
//! network, this is the wall. Kernels before 6.12 do not have it.

use super::check;
use rustix::io::Errno;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
const SCOPE_SIGNAL: u64 = 2;
/// The first Landlock ABI with scopes.
const ABI_WITH_SCOPES: libc::c_long = 6;

/// `struct landlock_ruleset_attr` of ABI 6.
#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

/// Whether the kernel can keep a sandbox with the host's network from the host's abstract sockets.
#[must_use]
pub fn has_scopes() -> bool {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call takes no ruleset and returns the ABI's number.
    let abi = check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttr>(),
            0usize,
            VERSION,
        )
    });
    abi.is_ok_and(|abi| abi >= ABI_WITH_SCOPES)
}

/// Confines this process for good. `Ok(false)` when the kernel has no such wall.
pub(crate) fn scope_sockets_and_signals() -> Result<bool, Errno> {
    if !has_scopes() {
        return Ok(false);
    }
    let attr = RulesetAttr {
        handled_access_fs: 0,
        handled_access_net: 0,
        scoped: SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL,
    };
    // SAFETY: `attr` has the size that is passed and lives through the call.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attr,
            size_of::<RulesetAttr>(),
            0u32,
        )
    })?;
    let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel has just made this descriptor for us.
    let ruleset = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: takes a descriptor and flags.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0u32) })?;
    Ok(true)
}
