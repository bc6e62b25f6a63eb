//! The host's PulseAudio server, or PipeWire in its place: the socket, the cookie, and a client
//! configuration that neither starts a server inside nor shares memory with the host.
//!
//! Whoever reaches this socket can play and record; there is no weaker form of it.

use crate::error::{Error, Kind};
use crate::grant::{GeneratedFile, Grant, Inside, SocketBind};
use crate::host::Host;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Shared memory would be looked up in the sandbox's own IPC namespace and `/dev/shm`.
const CLIENT_CONF: &str = "autospawn = no\nenable-shm = no\n";
/// The size of a cookie, from PulseAudio's `native-common.h`.
const COOKIE_LENGTH: u64 = 256;

/// Grants the sound server.
///
/// # Errors
/// When there is none on this machine, or it is reached through the network.
pub fn direct(host: &Host, inside: &Inside) -> Result<Grant, Error> {
    let source = match host.var("PULSE_SERVER") {
        Some(servers) => servers
            .to_str()
            .and_then(|text| server_socket(text, machine_id().as_deref()))
            .ok_or_else(|| Error::new(Kind::RemoteSound).value(servers))?,
        None => match host.path("PULSE_RUNTIME_PATH") {
            Some(dir) => dir.as_path().join("native"),
            None => host.runtime().join("pulse/native"),
        },
    };
    let dest = inside.below_runtime("pulse/native")?;
    let mut grant = Grant::default();
    grant.sockets.push(SocketBind::open(source, &dest, Kind::NoSound)?);
    // Not Display: that escapes what is not plain text; the path here is plain by construction.
    grant.set("PULSE_SERVER", format_args!("unix:{dest}"));
    let conf = inside.below_runtime("pulse/client.conf")?;
    grant.set("PULSE_CLIENTCONFIG", &conf);
    grant.files.push(GeneratedFile { dest: conf, mode: 0o600, content: CLIENT_CONF.into() });
    if let Some(cookie) = cookie(host) {
        let dest = inside.below_runtime("pulse/cookie")?;
        grant.set("PULSE_COOKIE", &dest);
        grant.secret(&dest, cookie);
    }
    Ok(grant)
}

/// The first local socket in a server string, as libpulse reads it: servers apart by spaces, each
/// with an optional `{machine}` that must be this one, local ones as `unix:PATH` or `PATH`.
fn server_socket(servers: &str, machine: Option<&str>) -> Option<PathBuf> {
    servers.split_whitespace().find_map(|server| {
        let server = match server.strip_prefix('{') {
            Some(rest) => {
                let (id, server) = rest.split_once('}')?;
                (Some(id) == machine).then_some(server)?
            }
            None => server,
        };
        let path = server.strip_prefix("unix:").unwrap_or(server);
        path.starts_with('/').then(|| PathBuf::from(path))
    })
}

/// This machine as libpulse calls it.
fn machine_id() -> Option<String> {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|id| id.trim().to_owned())
}

/// The cookie; a server that lets the user in by its uid needs none, so that none is no error.
fn cookie(host: &Host) -> Option<Vec<u8>> {
    let places = [
        host.path("PULSE_COOKIE").map(|path| path.as_path().to_owned()),
        host.config().map(|dir| dir.join("pulse/cookie")),
        host.home().map(|home| home.as_path().join(".pulse-cookie")),
    ];
    places.iter().flatten().find_map(|path| read_cookie(path))
}

fn read_cookie(path: &Path) -> Option<Vec<u8>> {
    let mut cookie = Vec::new();
    // Only a regular file: a FIFO with this name would stop the launch.
    let file =
        std::fs::metadata(path).ok()?.is_file().then(|| std::fs::File::open(path).ok())??;
    file.take(COOKIE_LENGTH).read_to_end(&mut cookie).ok()?;
    (cookie.len() as u64 == COOKIE_LENGTH).then_some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_local_servers_of_this_machine_count() {
        let socket = |text| server_socket(text, Some("abc")).map(|path| path.display().to_string());
        assert_eq!(socket("unix:/run/a").as_deref(), Some("/run/a"));
        assert_eq!(socket("/run/a").as_deref(), Some("/run/a"));
        assert_eq!(socket("{abc}unix:/run/a").as_deref(), Some("/run/a"));
        assert_eq!(socket("{other}unix:/run/a tcp:host /run/b").as_deref(), Some("/run/b"));
        assert_eq!(socket("{other}unix:/run/a"), None);
        assert_eq!(socket("{abcunix:/run/a"), None);
        assert_eq!(socket("tcp:host:4713"), None);
        assert_eq!(socket("host"), None);
    }

    #[test]
    fn a_server_gives_its_socket_cookie_and_configuration() {
        let dir =
            std::env::temp_dir().join(format!("arkose-test-{}", crate::runtime::new_id().unwrap()));
        std::fs::create_dir_all(dir.join("pulse")).unwrap();
        let text = dir.to_str().unwrap();
        let host = Host::with([("XDG_RUNTIME_DIR", text), ("XDG_CONFIG_HOME", text)]);
        let inside = Inside::new(1000).unwrap();
        assert_eq!(direct(&host, &inside).unwrap_err().kind(), Kind::NoSound);

        let _listener = UnixListener::bind(dir.join("pulse/native")).unwrap();
        let without = direct(&host, &inside).unwrap();
        assert!(without.env.iter().all(|(name, _)| name != "PULSE_COOKIE"));

        std::fs::write(dir.join("pulse/cookie"), [7; 256]).unwrap();
        let grant = direct(&host, &inside).unwrap();
        let value = |name: &str| {
            grant.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("PULSE_SERVER"), Some("unix:/run/user/1000/pulse/native"));
        let cookie = value("PULSE_COOKIE").unwrap();
        let file = grant.files.iter().find(|file| file.dest.to_string() == cookie).unwrap();
        assert_eq!((file.mode, file.content.as_slice()), (0o600, [7; 256].as_slice()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
