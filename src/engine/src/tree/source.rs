//! Opening what is on the host, as whoever this process is at that moment.

use super::dest::{Outermost, open_path, through_link};
use crate::error::{Context as _, Error, Result};
use arkose_profile::AbsPath;
use rustix::fs::{CWD, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

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
