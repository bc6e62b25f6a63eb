//! Opening what is on the host, as whoever this process is at that moment.

use super::dest::{Kind, Outermost, kind_of, open_path, through_link};
use crate::error::{Context as _, Error, Result};
use crate::ids::{self, Caller};
use crate::sys::{self, Forked};
use arkose_profile::AbsPath;
use arkose_protocol::{Channel, Received};
use rustix::fs::{CWD, ResolveFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, WaitOptions};
use std::os::fd::{AsFd as _, OwnedFd};

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

/// Opens a path, never through `/proc`'s links to other processes' files, and below what an app can
/// change through no link at all.
pub(crate) fn open(writable: &Outermost, source: &AbsPath) -> Result<OwnedFd> {
    let opened = match writable.around(source) {
        Some((directory, rest)) => {
            let directory = open_path(CWD, directory.as_path(), ResolveFlags::empty());
            directory.and_then(|directory| open_path(directory, rest, BENEATH))
        }
        None => open_path(CWD, source.as_path(), ResolveFlags::empty()),
    };
    opened.map_err(|errno| match errno {
        Errno::LOOP => through_link(source),
        errno => Error::new(format!("“{source}” cannot be shared with the app")).because(errno),
    })
}

/// Whether it may lie on a file system of FUSE, which opens for who is its owner by every id, and asks no
/// more of one who is. [`open`] lends only the ids that files are opened with: what is the caller's is
/// closed to it there, and what is root's is open. No other file system fails to say what it is.
pub(super) fn may_be_fuse(opened: &OwnedFd) -> bool {
    /// `FUSE_SUPER_MAGIC` of linux/magic.h.
    const FUSE: u32 = 0x6573_5546;
    !rustix::fs::fstatfs(opened).is_ok_and(|system| u32::try_from(system.f_type) != Ok(FUSE))
}

/// Opens a path in a process that becomes that user for good, and says what is there. What it gives
/// can be mounted, also where root can neither look at it nor below it.
pub(super) fn open_as(
    user: (Uid, Gid),
    writable: &Outermost,
    source: &AbsPath,
) -> Result<(OwnedFd, Kind)> {
    let message = "cannot be shared with the app";
    let failed = || Error::new(format!("“{source}” {message}"));
    let (ours, theirs) = Channel::pair().map_err(|_| failed())?;
    match sys::clone(sys::Clone::default()).path(source, message)? {
        Forked::Child => {
            if let Ok((opened, kind)) = become_and_open(user, writable, source) {
                let _ = theirs.send_with(&(kind == Kind::Directory), opened.as_fd());
            }
            sys::exit(0)
        }
        Forked::Parent { pid, .. } => {
            drop(theirs);
            let received = ours.receive();
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            match received {
                Ok(Received::Message(true, Some(opened))) => Ok((opened, Kind::Directory)),
                Ok(Received::Message(false, Some(opened))) => Ok((opened, Kind::Other)),
                _ => Err(failed().because(Errno::ACCESS)),
            }
        }
    }
}

/// What that process does. The groups are the user's already.
fn become_and_open(
    (uid, gid): (Uid, Gid),
    writable: &Outermost,
    source: &AbsPath,
) -> Result<(OwnedFd, Kind)> {
    let message = "cannot be shared with the app";
    let groups = rustix::process::getgroups().path(source, message)?;
    ids::become_caller(&Caller { uid, gid, groups })?;
    ids::guard_process()?;
    let opened = open(writable, source)?;
    let kind = kind_of(&opened).path(source, message)?;
    Ok((opened, kind))
}

/// Opens a private home below Arkose's data directory, through no link.
pub(crate) fn private_home(data: &AbsPath, source: &AbsPath) -> Result<OwnedFd> {
    let rest = source.as_path().strip_prefix(data).ok().filter(|rest| !rest.as_os_str().is_empty());
    let rest = rest.ok_or_else(|| {
        Error::new(format!("“{source}” is not below Arkose's data directory “{data}”"))
    })?;
    open_path(CWD, data.as_path(), ResolveFlags::empty())
        .and_then(|data| open_path(data, rest, BENEATH))
        .path(source, "cannot be used as a private home")
}
