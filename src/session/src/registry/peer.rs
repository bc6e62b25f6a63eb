//! Who is at the other end of a connection.

use nix::unistd::Uid;
use std::os::fd::BorrowedFd;

/// Whether it is the user, or root, and outside of every sandbox. An app that reached the socket has
/// the user's id as well, or one that looks like root's; but it is in a pid namespace below ours. One
/// with light walls, which has no such namespace, has no such sockets either.
pub(super) fn is_heard(socket: BorrowedFd<'_>) -> bool {
    let Ok(peer) = rustix::net::sockopt::socket_peercred(socket) else { return false };
    let user = peer.uid.as_raw() == Uid::effective().as_raw() || peer.uid.is_root();
    let depth = |pid: &str| depth(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?);
    let ours = depth("self");
    user && ours.is_some() && depth(&peer.pid.as_raw_nonzero().to_string()) == ours
}

/// In how many pid namespaces a process is (proc_pid_status(5)).
fn depth(status: &str) -> Option<usize> {
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(ids.split_whitespace().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_the_number_of_ids() {
        assert_eq!(depth("Name:\tx\nNSpid:\t712\t3\nSeccomp:\t0\n"), Some(2));
        assert_eq!(depth("Name:\tNSpid:\n"), None);
    }
}
