//! The sockets that apps connect to.

use crate::address::Address;
use crate::filter::Policy;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::ffi::OsString;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;

/// A socket of ours; its file goes when it does.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: OwnedFd,
    /// What is allowed there.
    pub policy: Rc<Policy>,
    /// The bus.
    pub upstream: Address,
    directory: OwnedFd,
    name: OsString,
}

impl Listener {
    /// Makes the socket, for its user alone.
    ///
    /// # Errors
    /// When the directory is not there, or has such a file.
    pub fn open(path: &Path, policy: Rc<Policy>, upstream: Address) -> Result<Self, Errno> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let name = path.file_name().ok_or(Errno::INVAL)?.to_owned();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(parent.unwrap_or(Path::new(".")), flags, Mode::empty())?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // By descriptor: a path may be longer than the address of a socket can be.
        let place = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(&name);
        let umask = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = SocketAddrUnix::new(place).and_then(|at| rustix::net::bind(&socket, &at));
        rustix::process::umask(umask);
        bound?;
        let listener = Self { socket, policy, upstream, directory, name };
        rustix::net::listen(&listener.socket, 128)?;
        Ok(listener)
    }

    /// The next app that connects; none when there is none now.
    ///
    /// # Errors
    /// When there are no more descriptors, or no memory: the app waits, and would be told at once again.
    pub fn accept(&self) -> Result<Option<OwnedFd>, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match rustix::net::accept_with(&self.socket, flags) {
            Ok(app) => Ok(Some(app)),
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => Err(errno),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may be gone with its directory.
        let _ = rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty());
    }
}
