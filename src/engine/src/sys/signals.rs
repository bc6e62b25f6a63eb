//! Signals as something that can be waited for beside sockets.

use super::{check, last_errno};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd as _, OwnedFd};

/// A descriptor that is readable when a child has changed state; the signal itself is blocked.
pub(crate) struct SignalFd(OwnedFd);

impl SignalFd {
    /// Blocks every signal that can be blocked, and reports those of children.
    pub(crate) fn children() -> Result<Self, Errno> {
        // SAFETY: both sets are initialised by the calls before they are read.
        let fd = unsafe {
            let mut all = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            check(
                libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()).into(),
            )?;
            let mut children = std::mem::zeroed();
            libc::sigemptyset(&raw mut children);
            libc::sigaddset(&raw mut children, libc::SIGCHLD);
            libc::signalfd(-1, &raw const children, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Forgets what was reported; children are found by waiting for them.
    pub(crate) fn drain(&self) {
        let mut buffer = [0u8; 8 * size_of::<libc::signalfd_siginfo>()];
        while rustix::io::read(&self.0, &mut buffer).is_ok_and(|length| length > 0) {}
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Gives this process the signals that a fresh one has: none blocked, and neither the one that Rust's
/// runtime ignores nor what its caller ignored. The kernel collects the children of who ignores
/// theirs, and their ids may be another's at once. Handlers end with the old program by themselves.
pub(crate) fn reset_signals() {
    // SAFETY: the set is initialised before it is read; SIG_DFL is valid for both signals.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}
