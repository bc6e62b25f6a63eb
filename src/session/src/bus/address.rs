//! Where the host's message buses listen, and where the app finds its own way to them.

use crate::error::{Error, Kind};
use crate::grant::{Inside, SocketBind};
use crate::host::Host;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The system bus's socket, on the host and inside (D-Bus specification, “System message bus”).
const SYSTEM: &str = "/run/dbus/system_bus_socket";

/// The session bus: `DBUS_SESSION_BUS_ADDRESS`, else the socket `bus` in the runtime directory; and
/// where it is inside.
///
/// # Errors
/// When there is none, or none that has a socket file.
pub fn session(host: &Host, inside: &Inside) -> Result<SocketBind, Error> {
    let (source, missing) = match host.var("DBUS_SESSION_BUS_ADDRESS") {
        Some(address) => (socket(address)?, Kind::NoBusSocket),
        None => (host.runtime().join("bus"), Kind::NoSessionBus),
    };
    SocketBind::open(source, inside.below_runtime("bus")?, missing)
}

/// The system bus: `DBUS_SYSTEM_BUS_ADDRESS`, else its standard socket; and where it is inside.
///
/// # Errors
/// When there is none, or none that has a socket file.
pub fn system(host: &Host) -> Result<SocketBind, Error> {
    let source = match host.var("DBUS_SYSTEM_BUS_ADDRESS") {
        Some(address) => socket(address)?,
        None => PathBuf::from(SYSTEM),
    };
    SocketBind::open(source, SYSTEM, Kind::NoBusSocket)
}

/// The address of a socket file (D-Bus specification, “Server Addresses”).
pub(super) fn of(path: &Path) -> String {
    let mut address = String::from("unix:path=");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'-' | b'_' | b'/' | b'.' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => address.push_str(&format!("%{byte:02x}")),
        }
    }
    address
}

/// The socket file in a list of server addresses, of which the first that has one is taken
/// (D-Bus specification, “Server Addresses”).
fn socket(list: &OsStr) -> Result<PathBuf, Error> {
    let mut abstract_only = false;
    for address in list.as_bytes().split(|byte| *byte == b';').filter(|address| !address.is_empty())
    {
        match one(address) {
            Some(Transport::Path(path)) => return Ok(path),
            Some(Transport::Abstract) => abstract_only = true,
            Some(Transport::Other) => {}
            None => return Err(Error::new(Kind::BadBusAddress).value(list)),
        }
    }
    Err(Error::new(if abstract_only { Kind::AbstractBus } else { Kind::RemoteBus }).value(list))
}

#[derive(Debug, PartialEq, Eq)]
enum Transport {
    Path(PathBuf),
    Abstract,
    Other,
}

/// One address, `transport:key=value,…`; `None` when it is malformed.
fn one(address: &[u8]) -> Option<Transport> {
    let (transport, rest) = split(address, b':')?;
    let mut found = None;
    for pair in rest.split(|byte| *byte == b',').filter(|pair| !pair.is_empty()) {
        let (key, value) = split(pair, b'=')?;
        let value = unescape(value)?;
        match key {
            b"path" | b"abstract" if found.is_some() => return None,
            b"path" => found = Some(Transport::Path(PathBuf::from(OsString::from_vec(value)))),
            b"abstract" => found = Some(Transport::Abstract),
            _ => {}
        }
    }
    match found {
        Some(found) if transport == b"unix" => Some(found),
        // A listening address such as unix:tmpdir= cannot be connected to.
        _ => Some(Transport::Other),
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..index)?, text.get(index + 1..)?))
}

/// Undoes `%XX`; every other byte must be one that may stand unescaped.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => out.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?),
            b'-' | b'_' | b'/' | b'.' | b'\\' | b'*' => out.push(*byte),
            byte if byte.is_ascii_alphanumeric() => out.push(*byte),
            _ => return None,
        }
    }
    (!out.contains(&0)).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn found(list: &str) -> Result<String, Kind> {
        socket(OsStr::new(list))
            .map(|path| path.display().to_string())
            .map_err(|error| error.kind())
    }

    #[test]
    fn the_first_address_with_a_file_is_taken() {
        assert_eq!(found("unix:path=/run/user/1/bus").as_deref(), Ok("/run/user/1/bus"));
        assert_eq!(found("unix:path=/a,guid=0123").as_deref(), Ok("/a"));
        assert_eq!(found("unix:guid=0123,path=/a%20b%2cc").as_deref(), Ok("/a b,c"));
        assert_eq!(found("tcp:host=a,port=1;unix:abstract=/x;unix:path=/b;").as_deref(), Ok("/b"));
    }

    #[test]
    fn what_has_no_file_is_told_apart() {
        assert_eq!(found("unix:abstract=/tmp/dbus-x,guid=1"), Err(Kind::AbstractBus));
        assert_eq!(found("tcp:host=localhost,port=1"), Err(Kind::RemoteBus));
        assert_eq!(found("autolaunch:"), Err(Kind::RemoteBus));
        assert_eq!(found("unix:tmpdir=/tmp"), Err(Kind::RemoteBus));
        assert_eq!(found(";"), Err(Kind::RemoteBus));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for bad in [
            "/run/bus",
            "unix:path",
            "unix:path=/a%2",
            "unix:path=/a%zz",
            "unix:path=/a%00b",
            "unix:path=/a b",
            "unix:path=/a,path=/b",
            "unix:path=/a,abstract=b",
        ] {
            assert_eq!(found(bad), Err(Kind::BadBusAddress), "{bad}");
        }
    }

    #[test]
    fn the_default_socket_is_used_without_an_address() {
        let dir =
            std::env::temp_dir().join(format!("arkose-test-{}", crate::runtime::new_id().unwrap()));
        std::fs::create_dir(&dir).unwrap();
        let host = Host::with([("XDG_RUNTIME_DIR", dir.to_str().unwrap())]);
        let inside = Inside::new(5).unwrap();
        assert_eq!(session(&host, &inside).unwrap_err().kind(), Kind::NoSessionBus);
        let _listener = UnixListener::bind(dir.join("bus")).unwrap();
        let found = session(&host, &inside).unwrap();
        assert_eq!(found.source.as_path(), dir.join("bus"));
        assert_eq!(found.dest.as_path(), "/run/user/5/bus");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_relative_path_is_no_socket() {
        let host = Host::with([("DBUS_SESSION_BUS_ADDRESS", "unix:path=a/../bus")]);
        let inside = Inside::new(5).unwrap();
        assert_eq!(session(&host, &inside).unwrap_err().kind(), Kind::NoBusSocket);
    }

    #[test]
    fn the_address_of_a_path_leads_to_it() {
        for path in ["/run/user/1/bus", "/tmp/a b,c;d=e%f"] {
            assert_eq!(found(&of(Path::new(path))).as_deref(), Ok(path));
        }
    }
}
