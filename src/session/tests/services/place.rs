//! A host for one test: a private runtime directory and an Xvfb as its display.

use crate::Skip;
use arkose_session::grant::{Grant, Inside};
use arkose_session::guard::{OUTPUT, guarded};
use arkose_session::host::Host;
use arkose_session::runtime::new_id;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use x11rb::connection::Connection;
use x11rb::errors::ConnectError;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, WindowClass};
use x11rb::rust_connection::{DefaultStream, RustConnection};
use x11rb::wrapper::ConnectionExt as _;

pub(crate) const MIT: &str = "MIT-MAGIC-COOKIE-1";

/// Skips unless every program is installed.
pub(crate) fn need(programs: &[&str]) -> Result<(), Skip> {
    let host = Host::current();
    match programs.iter().find(|program| host.program(program).is_none()) {
        Some(missing) => Err(Skip(format!("{missing} is not installed"))),
        None => Ok(()),
    }
}

/// A private directory, removed at the end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("arkose-test-{}", new_id().unwrap()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A host with a display.
pub(crate) struct Place {
    pub(crate) scratch: Scratch,
    pub(crate) number: u16,
    server: Child,
}

/// The cookie of the host's display.
pub(crate) const HOST_COOKIE: [u8; 16] = *b"the host's own 1";

impl Place {
    pub(crate) fn new() -> Result<Self, Skip> {
        need(&["Xvfb"])?;
        let scratch = Scratch::new();
        let auth = scratch.0.join("authority");
        for number in 80..100 {
            std::fs::write(&auth, host_authority(number)).unwrap();
            let mut server = guarded("Xvfb")
                .args([&format!(":{number}"), "-displayfd", OUTPUT, "-auth"])
                .arg(&auth)
                .args(["-nolisten", "tcp", "-noreset", "-screen", "0", "1600x1000x24"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
            if line.trim() == number.to_string() {
                return Ok(Self { scratch, number, server });
            }
            server.wait().unwrap();
        }
        Err(Skip("no display number from 80 to 99 is free".into()))
    }

    pub(crate) fn host(&self) -> Host {
        let path = std::env::var("PATH").unwrap();
        let dir = self.scratch.0.to_str().unwrap();
        let auth = format!("{dir}/authority");
        let display = format!(":{}", self.number);
        Host::with([
            ("DISPLAY", display.as_str()),
            ("XAUTHORITY", &auth),
            ("XDG_RUNTIME_DIR", dir),
            ("HOME", dir),
            ("PATH", &path),
        ])
    }

    /// A client of the host's display.
    pub(crate) fn client(&self) -> RustConnection {
        connect(&socket(self.number), Some(&HOST_COOKIE)).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        drop(std::fs::remove_file(socket(self.number)));
    }
}

pub(crate) fn socket(number: u16) -> PathBuf {
    PathBuf::from(format!("/tmp/.X11-unix/X{number}"))
}

pub(crate) fn inside() -> Inside {
    Inside::new(1000).unwrap()
}

/// The host's authority file: its own display among others.
fn host_authority(number: u16) -> Vec<u8> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let own = number.to_string();
    [
        entry(256, "elsewhere", &own, b"of another host!"),
        entry(256, name.trim(), "7", b"of another displ"),
        entry(256, name.trim(), &own, &HOST_COOKIE),
    ]
    .concat()
}

pub(crate) fn entry(family: u16, address: &str, number: &str, data: &[u8]) -> Vec<u8> {
    let mut out = family.to_be_bytes().to_vec();
    for part in [address.as_bytes(), number.as_bytes(), MIT.as_bytes(), data] {
        out.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

pub(crate) fn connect(path: &Path, cookie: Option<&[u8]>) -> Result<RustConnection, ConnectError> {
    let (stream, _) = DefaultStream::from_unix_stream(UnixStream::connect(path)?)?;
    let (name, data) = cookie.map_or_else(Default::default, |data| (MIT.into(), data.to_vec()));
    RustConnection::connect_to_stream_with_auth_info(stream, 0, name, data)
}

/// The value of a variable that a grant sets.
pub(crate) fn value<'a>(grant: &'a Grant, name: &str) -> Option<&'a str> {
    grant.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The content of the generated file that a variable names.
pub(crate) fn file<'a>(grant: &'a Grant, variable: &str) -> &'a [u8] {
    let path = value(grant, variable).unwrap();
    &grant.files.iter().find(|file| file.dest.to_string() == path).unwrap().content
}

/// The cookie of a grant: the last sixteen bytes of its authority file.
pub(crate) fn cookie(grant: &Grant) -> &[u8] {
    let file = file(grant, "XAUTHORITY");
    &file[file.len() - 16..]
}

/// A mapped window with a title.
pub(crate) fn window(connection: &RustConnection, title: &str, width: u16, height: u16) -> u32 {
    let screen = &connection.setup().roots[0];
    let window = connection.generate_id().unwrap();
    connection
        .create_window(
            0,
            window,
            screen.root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &CreateWindowAux::new(),
        )
        .unwrap();
    connection
        .change_property8(
            x11rb::protocol::xproto::PropMode::REPLACE,
            window,
            x11rb::protocol::xproto::AtomEnum::WM_NAME,
            x11rb::protocol::xproto::AtomEnum::STRING,
            title.as_bytes(),
        )
        .unwrap();
    connection.map_window(window).unwrap();
    connection.sync().unwrap();
    window
}

/// The titles of every window of a display.
pub(crate) fn titles(connection: &RustConnection) -> Vec<String> {
    let mut titles = Vec::new();
    let mut left = vec![connection.setup().roots[0].root];
    while let Some(window) = left.pop() {
        left.extend(
            connection
                .query_tree(window)
                .unwrap()
                .reply()
                .map_or_else(|_| Vec::new(), |reply| reply.children),
        );
        let (name, any) = (x11rb::protocol::xproto::AtomEnum::WM_NAME, x11rb::NONE);
        let Ok(reply) = connection.get_property(false, window, name, any, 0, 64).unwrap().reply()
        else {
            continue;
        };
        // Not always plain text: a title with a dash in it is COMPOUND_TEXT.
        titles.push(String::from_utf8_lossy(&reply.value).into_owned());
    }
    titles.retain(|title| !title.is_empty());
    titles
}

/// Waits until a file is there, for at most ten seconds.
pub(crate) fn appears(path: &Path) {
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).unwrap();
    watch
        .add_watch(path.parent().unwrap(), AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)
        .unwrap();
    while !path.exists() {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        assert_eq!(
            poll(&mut fds, PollTimeout::from(10_000_u16)).unwrap(),
            1,
            "{} does not appear",
            path.display()
        );
        watch.read_events().unwrap();
    }
}
