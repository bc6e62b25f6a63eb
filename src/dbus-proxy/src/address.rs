//! Addresses of buses: the sockets in them that this machine has.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Where a bus listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Path(PathBuf),
    /// One without a file, by its name.
    Abstract(Vec<u8>),
}

impl Address {
    /// The first usable one of a list (D-Bus specification, “Server Addresses”).
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        list.split(';').find_map(|one| {
            let keys = one.strip_prefix("unix:")?;
            keys.split(',').find_map(|pair| match pair.split_once('=')? {
                ("path", path) => {
                    Some(Self::Path(String::from_utf8(unescaped(path)?).ok()?.into()))
                }
                ("abstract", name) => unescaped(name).map(Self::Abstract),
                _ => None,
            })
        })
    }

    /// Connects, without waiting for anything.
    ///
    /// # Errors
    /// As connect(2); `AGAIN` when the bus has more to do than it can take.
    pub fn connect(&self) -> Result<OwnedFd, Errno> {
        let address = match self {
            Self::Path(path) => SocketAddrUnix::new(path)?,
            Self::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&socket, &address)?;
        Ok(socket)
    }
}

/// `%` and two hexadecimal digits are a byte.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let (digits, behind) = after.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    bytes.extend(rest.bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_socket_is_taken() {
        let path = |text: &str| Some(Address::Path(text.into()));
        assert_eq!(Address::parse("unix:path=/run/a,guid=12"), path("/run/a"));
        assert_eq!(Address::parse("tcp:host=x;unix:guid=1,path=/a%20b"), path("/a b"));
        assert_eq!(
            Address::parse("unix:abstract=/tmp/x"),
            Some(Address::Abstract(b"/tmp/x".into()))
        );
        assert_eq!(Address::parse("unix:path=/a%2"), None);
        assert_eq!(Address::parse("autolaunch:"), None);
    }
}
