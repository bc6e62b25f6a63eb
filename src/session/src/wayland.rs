//! Direct access to the host's Wayland compositor: its socket, under the usual name.

use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside, SocketBind};
use crate::host::Host;
use std::path::PathBuf;

/// The socket's name inside.
const NAME: &str = "wayland-0";

/// Grants the compositor that `WAYLAND_DISPLAY` names: absolute, or below the runtime directory.
///
/// # Errors
/// When the variable is not set or there is no socket.
pub fn direct(host: &Host, inside: &Inside) -> Result<Grant, Error> {
    let dest = inside.below_runtime(NAME)?;
    let mut grant = Grant::default();
    grant.sockets.push(SocketBind::open(socket(host)?, &dest, Kind::NoWaylandSocket)?);
    grant.set("WAYLAND_DISPLAY", NAME);
    Ok(grant)
}

/// Where the compositor's socket should be; an absolute name stands for itself.
pub(crate) fn socket(host: &Host) -> Result<PathBuf, Error> {
    let name = host.var("WAYLAND_DISPLAY").ok_or_else(|| Error::new(Kind::NoWayland))?;
    Ok(host.runtime().join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_relative_and_an_absolute_name_find_the_socket() {
        let dir =
            std::env::temp_dir().join(format!("arkose-test-{}", crate::runtime::new_id().unwrap()));
        std::fs::create_dir(&dir).unwrap();
        let socket = dir.join("wayland-7");
        let _listener = UnixListener::bind(&socket).unwrap();
        let inside = Inside::new(1000).unwrap();
        let text = socket.to_str().unwrap();
        for name in ["wayland-7", text] {
            let host =
                Host::with([("XDG_RUNTIME_DIR", dir.to_str().unwrap()), ("WAYLAND_DISPLAY", name)]);
            let grant = direct(&host, &inside).unwrap();
            assert_eq!(grant.sockets[0].source.as_path(), socket);
            assert_eq!(grant.sockets[0].dest.as_path().to_str(), Some("/run/user/1000/wayland-0"));
        }
        let other =
            Host::with([("XDG_RUNTIME_DIR", dir.to_str().unwrap()), ("WAYLAND_DISPLAY", "other")]);
        assert_eq!(direct(&other, &inside).unwrap_err().kind(), Kind::NoWaylandSocket);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(
            direct(&Host::with([("HOME", "/")]), &inside).unwrap_err().kind(),
            Kind::NoWayland
        );
    }
}
