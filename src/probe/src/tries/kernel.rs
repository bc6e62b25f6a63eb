//! Doors of the kernel: system calls, namespaces, terminal controls.

use super::Tried;
use crate::calls;
use crate::trial::Found;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::OnceLock;

pub(super) fn call(number: i64, arguments: &[u64]) -> Tried {
    let mut all = [u64::MAX; 6];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = *argument;
    }
    match arkose_engine::attempt(number, all) {
        Ok(()) => Ok(Found::text("")),
        Err(Some(errno)) => Err(Errno::from_raw(errno.raw_os_error()).into()),
        Err(None) => Err(Found::refused("the process was ended")),
    }
}

pub(super) fn unshare(flags: i32) -> Tried {
    let flags = u64::try_from(flags).map_err(|_| Errno::EINVAL)?;
    call(calls::UNSHARE, &[flags])
}

/// A filter looks at the call alone. Should there be none, the kernel refuses on a terminal that is
/// not this process's own, so that it has to be made so; what would be typed has no valid address.
pub(super) fn terminal(request: u64) -> Tried {
    /// Kept to the end: who closes its own terminal is hung up on.
    static OWN: OnceLock<Result<(PtyMaster, OwnedFd), Errno>> = OnceLock::new();
    let descriptor = match OWN.get_or_init(own_terminal) {
        Ok((_, slave)) => u64::try_from(slave.as_raw_fd()).map_err(|_| Errno::EBADF)?,
        // There are none where the app may not open any; a filter refuses all the same.
        Err(_) => 0,
    };
    call(calls::IOCTL, &[descriptor, request])
}

fn own_terminal() -> Result<(PtyMaster, OwnedFd), Errno> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname_r(&master)?;
    // Fails where this process leads its session already, which is what is wanted.
    let _ = nix::unistd::setsid();
    let slave = open(name.as_str(), OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok((master, slave))
}
