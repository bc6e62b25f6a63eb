//! Making processes and turning them into programs.

use super::{SignalsConfined, check};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// The namespaces that a new process gets of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clone<'a> {
    pub(crate) user: bool,
    /// Mount, process, host-name, IPC and cgroup namespaces.
    pub(crate) sandbox: bool,
    pub(crate) network: bool,
    /// A directory of the unified hierarchy of control groups, of which it is a member from its
    /// first instruction.
    pub(crate) group: Option<BorrowedFd<'a>>,
}

/// `CLONE_INTO_CGROUP` of linux/sched.h; libc's constant is of a type that is too small for it.
const INTO_GROUP: u64 = 0x2_0000_0000;

/// Which side of the fork this is.
pub(crate) enum Forked {
    Child,
    Parent { pid: Pid, pidfd: OwnedFd },
}

/// Forks; the child has the namespaces asked for. A process with threads must not call it.
pub(crate) fn clone(namespaces: Clone<'_>) -> Result<Forked, Errno> {
    let mut flags = libc::CLONE_PIDFD;
    if namespaces.user {
        flags |= libc::CLONE_NEWUSER;
    }
    if namespaces.sandbox {
        flags |= libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWCGROUP;
    }
    if namespaces.network {
        flags |= libc::CLONE_NEWNET;
    }
    let mut pidfd: libc::c_int = -1;
    // SAFETY: clone_args is plain integers, for which zero is a valid value.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(flags.cast_unsigned());
    if let Some(group) = namespaces.group {
        args.flags |= INTO_GROUP;
        args.cgroup = u64::from(group.as_raw_fd().cast_unsigned());
    }
    args.pidfd = (&raw mut pidfd).addr() as u64;
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    // SAFETY: without CLONE_VM and a stack, clone3 behaves as fork; the process has one thread, so
    // that the child's copy of every lock is free. `args` lives through the call, and the kernel
    // writes one int to `pidfd`.
    let pid = check(unsafe {
        libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>())
    })?;
    if pid == 0 {
        return Ok(Forked::Child);
    }
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::INVAL)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent { pid, pidfd })
}

/// A child that is of use for a while; dropping this kills it, and waits until it is gone.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: Pid,
    pub(crate) pidfd: OwnedFd,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.pid), WaitOptions::empty());
    }
}

/// Replaces this process; returns only when that failed.
pub(crate) fn execve(program: &CStr, argv: &[CString], env: &[CString]) -> Errno {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|s| s.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: all three are NUL-terminated, both arrays end with a null pointer, and all of it
    // outlives the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    super::last_errno()
}

/// Ends this process at once: no destructors, no buffers of a process that was forked from another.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(code) }
}

/// Makes the control groups that this process is in the topmost that it can see.
pub(crate) fn unshare_cgroup() -> Result<(), Errno> {
    // SAFETY: takes flags.
    check(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) }.into()).map(drop)
}

/// Kills every process that this one has confined with itself, and no other: Landlock lets the signal
/// to all of the user's processes reach none but those. None of them can flee by forking, because the
/// kernel starts no process for who has a signal to die of.
pub(crate) fn kill_confined(_proof: &SignalsConfined) {
    // SAFETY: takes integers. It returns an error when nobody is left, which is as well.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Moves this process into a user namespace of its own.
pub(crate) fn unshare_user() -> Result<(), Errno> {
    // SAFETY: takes flags; a process with one thread may do it.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER) }.into()).map(drop)
}

/// Moves this process into a user namespace of its own, and into a network namespace that belongs to it.
pub(crate) fn unshare_user_and_network() -> Result<(), Errno> {
    // SAFETY: takes flags; a process with one thread may do it.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) }.into()).map(drop)
}

/// Moves this process into a network namespace, or into that of the process of a pidfd.
pub(crate) fn enter_network(of: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: takes a descriptor and a flag; a process with one thread may do it.
    check(unsafe { libc::setns(of.as_raw_fd(), libc::CLONE_NEWNET) }.into()).map(drop)
}
