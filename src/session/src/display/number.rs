//! A display number that no other X server has, kept as long as it is held.
//!
//! Servers that pick a number themselves (`-displayfd`) make no lock file and take a number whose
//! abstract socket is free, although another server may own the file of that name. Hence the number
//! is picked here and reserved by binding its abstract socket without listening: other servers then
//! pass it by, clients that try it are refused and take the file, and it is gone with its owner.

use super::name::{LocalDisplay, socket_path};
use crate::error::{Error, Kind};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::unistd::Uid;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Above the numbers of seats and of most test servers.
const FIRST: u16 = 100;
/// X servers reach TCP port 6000 + number also when they do not listen there.
const LAST: u16 = 59_000;

/// A reserved display number; its socket file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Number {
    number: u16,
    _reserved: OwnedFd,
}

impl Number {
    /// Reserves the first free number.
    pub(crate) fn reserve() -> Result<Self, Error> {
        (FIRST..=LAST).find_map(Self::try_reserve).ok_or_else(|| Error::new(Kind::NoDisplayNumber))
    }

    fn try_reserve(number: u16) -> Option<Self> {
        let path = socket_path(number);
        let fd =
            socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).ok()?;
        let address = UnixAddr::new_abstract(path.as_os_str().as_encoded_bytes()).ok()?;
        bind(fd.as_raw_fd(), &address).ok()?;
        let free = !Path::new(&format!("/tmp/.X{number}-lock")).exists() && socket_is_free(number);
        // Lazily: dropping one that is not free would remove the socket of its server.
        free.then(|| Self { number, _reserved: fd })
    }

    /// The number.
    pub(crate) fn get(&self) -> u16 {
        self.number
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // A killed server leaves its socket; the number still is ours.
        remove_own_socket(self.number);
    }
}

/// Whether there is no socket file, removing one that this user's killed server left. One of
/// another user is not even connected to: that could be made to take for ever.
fn socket_is_free(number: u16) -> bool {
    match is_own_socket(number) {
        None => true,
        Some(false) => false,
        Some(true) => {
            let refused = (LocalDisplay { number, screen: 0 }).connect().err();
            refused.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
                && remove_own_socket(number)
        }
    }
}

/// Whether the socket file is a socket of this user; `None` when there is none.
fn is_own_socket(number: u16) -> Option<bool> {
    let found = match std::fs::symlink_metadata(socket_path(number)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        found => found,
    };
    Some(found.is_ok_and(|found| {
        found.file_type().is_socket() && found.uid() == Uid::effective().as_raw()
    }))
}

/// Removes the socket file when it is a socket of this user; whether it then is gone.
fn remove_own_socket(number: u16) -> bool {
    is_own_socket(number) == Some(true) && std::fs::remove_file(socket_path(number)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    #[test]
    fn two_never_get_the_same_and_a_client_is_refused() {
        let (a, b) = (Number::reserve().unwrap(), Number::reserve().unwrap());
        assert_ne!(a.get(), b.get());
        let path = socket_path(a.get());
        let name = SocketAddr::from_abstract_name(path.as_os_str().as_encoded_bytes()).unwrap();
        let error = UnixStream::connect_addr(&name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn the_socket_of_a_living_server_is_left_alone_and_a_dead_one_reclaimed() {
        drop(std::fs::create_dir(super::super::name::SOCKETS));
        // Far from the numbers that the other tests and real servers use.
        let number = 58_321;
        let path = socket_path(number);
        let listener = UnixListener::bind(&path).unwrap();
        assert!(Number::try_reserve(number).is_none());
        assert!(path.exists());
        drop(listener);
        assert!(Number::try_reserve(number).is_some());
        assert!(!path.exists());
    }
}
