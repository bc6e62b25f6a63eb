//! The name of an X display, as `DISPLAY` has it.

use crate::error::{Error, Kind};
use crate::host::Host;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;

/// Where the sockets of X servers are.
pub(crate) const SOCKETS: &str = "/tmp/.X11-unix";

/// The socket file of a display.
pub(crate) fn socket_path(number: u16) -> PathBuf {
    PathBuf::from(format!("{SOCKETS}/X{number}"))
}

/// A display of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalDisplay {
    pub(crate) number: u16,
    pub(crate) screen: usize,
}

impl LocalDisplay {
    /// The display that the host's `DISPLAY` names.
    pub(crate) fn of(host: &Host) -> Result<Self, Error> {
        Self::parse(host.var("DISPLAY").ok_or_else(|| Error::new(Kind::NoDisplay))?)
    }

    /// Reads `[unix]:NUMBER[.SCREEN]`; a name with a host in it is a server over the network, such
    /// as the one that `ssh -X` gives.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Error> {
        let bad = || Error::new(Kind::BadDisplay).value(text);
        let (host, rest) = text.to_str().and_then(|text| text.rsplit_once(':')).ok_or_else(bad)?;
        let (number, screen) = rest.split_once('.').unwrap_or((rest, "0"));
        let (number, screen) = (decimal(number).ok_or_else(bad)?, decimal(screen).ok_or_else(bad)?);
        match host {
            "" | "unix" => Ok(Self { number, screen: screen.into() }),
            host if host.contains('/') => Err(bad()),
            _ => Err(Error::new(Kind::RemoteDisplay).value(text)),
        }
    }

    /// Connects as an X client does: to the socket file, else to the abstract socket.
    pub(crate) fn connect(self) -> std::io::Result<UnixStream> {
        let path = socket_path(self.number);
        UnixStream::connect(&path).or_else(|error| {
            let name = SocketAddr::from_abstract_name(path.as_os_str().as_encoded_bytes())?;
            UnixStream::connect_addr(&name).map_err(|_| error)
        })
    }
}

impl std::fmt::Display for LocalDisplay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ":{}", self.number)?;
        if self.screen == 0 { Ok(()) } else { write!(f, ".{}", self.screen) }
    }
}

/// A decimal number without a sign.
fn decimal(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(u16, usize), Kind> {
        LocalDisplay::parse(OsStr::new(text))
            .map(|display| (display.number, display.screen))
            .map_err(|error| error.kind())
    }

    #[test]
    fn local_displays_are_read() {
        assert_eq!(parse(":0"), Ok((0, 0)));
        assert_eq!(parse(":12.3"), Ok((12, 3)));
        assert_eq!(parse("unix:1"), Ok((1, 0)));
    }

    #[test]
    fn displays_over_the_network_are_refused_as_such() {
        assert_eq!(parse("localhost:10.0"), Err(Kind::RemoteDisplay));
        assert_eq!(parse("[::1]:0"), Err(Kind::RemoteDisplay));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["0", ":", ":x", ":+1", ":-1", ":0.", ":0.x", ":70000", ":0.0.0", "/tmp/x:0", ": 0"]
        {
            assert_eq!(parse(bad), Err(Kind::BadDisplay), "{bad}");
        }
    }
}
