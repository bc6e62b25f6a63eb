//! Making a system call only to see what the kernel says: how `arkose verify` tries a filter.
//!
//! Neither the helper nor a sandbox that is launched ever comes here.

use super::{check, last_errno, process};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions};

/// Makes a system call by its number, in a process that is forked for it and ends at once, and tells
/// what the kernel answered; of success it tells no more than that.
///
/// # Errors
/// What the kernel answered: `Err(Some(errno))`; `Err(None)` when the process ended of the call, or
/// none could be made.
pub fn attempt(number: i64, arguments: [u64; 6]) -> Result<(), Option<Errno>> {
    let number = libc::c_long::try_from(number).map_err(|_| None)?;
    // SAFETY: this process has one thread, so that the child's copy of every lock is free.
    let pid = check(unsafe { libc::fork() }.into()).map_err(|_| None)?;
    if pid == 0 {
        let [a, b, c, d, e, f] = arguments;
        // SAFETY: whatever the call does to memory, it does to this process's own copy of it, which
        // is not looked at again: the process ends with the next statement.
        let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        process::exit(if answer < 0 { last_errno().raw_os_error() } else { 0 })
    }
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(None)?;
    match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
        Ok(Some((_, status))) => match status.exit_status() {
            Some(0) => Ok(()),
            // Every errno of Linux is below 134, and an exit status holds 255.
            Some(errno) => Err(Some(Errno::from_raw_os_error(errno))),
            None => Err(None),
        },
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_the_kernel_comes_back() {
        assert_eq!(attempt(libc::SYS_getppid, [0; 6]), Ok(()));
        assert_eq!(attempt(libc::SYS_close, [u64::MAX; 6]), Err(Some(Errno::BADF)));
        assert_eq!(attempt(libc::SYS_kill, [0, 0, 0, 0, 0, 0]), Ok(()));
    }
}
