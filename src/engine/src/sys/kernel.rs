//! Single calls that belong to no larger family.

use super::{check, last_errno};
use rustix::io::Errno;
use rustix::process::Gid;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Closes `first` and every descriptor above it when this process becomes another program.
pub(crate) fn close_from(first: RawFd) -> Result<(), Errno> {
    let first = u32::try_from(first).map_err(|_| Errno::BADF)?;
    // SAFETY: CLOSE_RANGE_CLOEXEC only sets a flag; no descriptor is closed under its owner.
    check(unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })?;
    Ok(())
}

/// Moves a descriptor to 3 and closes every other above the standard ones. Only for a process that
/// was just forked and never returns to what its parent was doing: what owned the others there must
/// not be used here.
pub(crate) fn keep_only(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    const KEPT: RawFd = 3;
    let kept = if fd.as_raw_fd() == KEPT {
        fd
    } else {
        // SAFETY: takes two descriptors; what 3 was before belongs to code that does not run here.
        check(unsafe { libc::dup3(fd.as_raw_fd(), KEPT, libc::O_CLOEXEC) }.into())?;
        drop(fd);
        // SAFETY: 3 is the copy that was just made.
        unsafe { OwnedFd::from_raw_fd(KEPT) }
    };
    // SAFETY: takes a range; as above.
    check(unsafe { libc::syscall(libc::SYS_close_range, KEPT + 1, u32::MAX, 0) })?;
    Ok(kept)
}

/// Puts a descriptor in the place of another, which is closed: whoever holds `place` now holds `fd`.
/// Only for a process that was just forked and never returns to what its parent was doing.
pub(crate) fn put_in_place(place: BorrowedFd<'_>, fd: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: takes two open descriptors. That of `place` stays open, and its owner, who only ever
    // reads and writes what it refers to, closes it as before.
    check(unsafe { libc::dup3(fd.as_raw_fd(), place.as_raw_fd(), libc::O_CLOEXEC) }.into())?;
    Ok(())
}

/// Closes every descriptor but these, the standard ones as well. Only for a process that was just
/// forked and never returns to what its parent was doing.
pub(crate) fn close_all_but(kept: &mut [RawFd]) -> Result<(), Errno> {
    kept.sort_unstable();
    let mut first = 0;
    for next in kept.iter().map(|fd| fd.cast_unsigned()).chain(std::iter::once(u32::MAX)) {
        // The last one stands for no descriptor, and closing up to it does no harm.
        let last = if next == u32::MAX { next } else { next.saturating_sub(1) };
        if next > first {
            // SAFETY: takes a range; what owned the others belongs to code that does not run here.
            check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })?;
        }
        first = next.saturating_add(1);
    }
    Ok(())
}

/// Overwrites the arguments that this process was started with: `/proc` would show them to the app.
/// A process that was forked has its own copy of them.
pub(crate) fn hide_arguments() {
    let hide = || -> Option<()> {
        // The line is shorter: 52 fields, most of them small numbers.
        let mut line = [0; 2048];
        let mut stat = std::fs::File::open("/proc/self/stat").ok()?;
        let length = std::io::Read::read(&mut stat, &mut line).ok()?;
        let stat = String::from_utf8_lossy(line.get(..length)?);
        // proc_pid_stat(5): after the name in parentheses come the fields from the third on.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let start: u64 = fields.nth(45)?.parse().ok()?;
        let end: u64 = fields.next()?.parse().ok()?;
        let length = usize::try_from(end.checked_sub(start)?).ok()?;
        let memory = std::fs::File::options().write(true).open("/proc/self/mem").ok()?;
        // Not through a pointer: nothing in this program refers to that memory any more.
        std::os::unix::fs::FileExt::write_all_at(&memory, &vec![0; length], start).ok()
    };
    // Arguments that stay are no hole, only more than the app needs to know.
    let _ = hide();
}

/// Switches the loopback interface of this network namespace on.
pub(crate) fn bring_loopback_up() -> Result<(), Errno> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: ifreq is plain data, for which zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    let flags = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(|_| Errno::INVAL)?;
    // SAFETY: the name is NUL-terminated, and SIOCSIFFLAGS reads one ifreq.
    let returned =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if returned < 0 { Err(last_errno()) } else { Ok(()) }
}

/// The supplementary groups of who made a socket pair.
pub(crate) fn peer_groups(socket: BorrowedFd<'_>) -> Result<Vec<Gid>, Errno> {
    /// The kernel's own bound (NGROUPS_MAX).
    const MOST: usize = 65536;
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let mut length = libc::socklen_t::try_from(groups.len() * size_of::<libc::gid_t>())
            .map_err(|_| Errno::OVERFLOW)?;
        // SAFETY: the kernel writes at most `length` bytes, which is the size of `groups`, and then
        // how many it wrote, or, with ERANGE, how many there are.
        let returned = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count =
            usize::try_from(length).map_err(|_| Errno::OVERFLOW)? / size_of::<libc::gid_t>();
        if returned == 0 {
            groups.truncate(count);
            return Ok(groups.into_iter().map(Gid::from_raw).collect());
        }
        match last_errno() {
            Errno::RANGE if count > groups.len() && count <= MOST => groups.resize(count, 0),
            errno => return Err(errno),
        }
    }
}
