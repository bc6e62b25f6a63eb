//! Single calls that belong to no larger family.

use super::{check, last_errno};
use rustix::io::Errno;
use rustix::process::Gid;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

/// Closes `first` and every descriptor above it when this process becomes another program.
pub(crate) fn close_from(first: RawFd) -> Result<(), Errno> {
    let first = u32::try_from(first).map_err(|_| Errno::BADF)?;
    // SAFETY: CLOSE_RANGE_CLOEXEC only sets a flag; no descriptor is closed under its owner.
    check(unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })?;
    Ok(())
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
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the name is NUL-terminated, and SIOCSIFFLAGS reads one ifreq.
    let returned = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
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
        let count = usize::try_from(length).map_err(|_| Errno::OVERFLOW)? / size_of::<libc::gid_t>();
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
