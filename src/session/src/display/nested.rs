//! What Xephyr and rootful Xwayland share: an X server of the sandbox's own in one window of the host,
//! with a private cookie, a private display number and a window manager inside.

use super::name::LocalDisplay;
use super::number::Number;
use super::windows::{FITTING, FIXED};
use super::xauth::Cookie;
use super::{Display, Request, x_grant};
use crate::child::Program;
use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside};
use crate::guard;
use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fstat;
use nix::unistd::{Uid, pipe2};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;

/// How to start one kind of server; the display number is put before its arguments.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// Whether its window on the host takes the size that the display is given.
    pub(crate) fitting: bool,
}

/// A running server; dropped in this order: who uses the display, the server, the display number.
#[derive(Debug)]
pub(crate) struct Nested {
    name: &'static str,
    grant: Grant,
    notes: Vec<Error>,
    windows: Option<Program>,
    server: Program,
    _number: Number,
}

impl Nested {
    /// Starts the server and waits until clients can connect.
    pub(crate) fn start(request: &Request<'_>, server: Server) -> Result<Self, Error> {
        let number = Number::reserve()?;
        let cookie = Cookie::random()?;
        let (name, fitting) = (server.name, server.fitting);
        let process = start_server(request, server, &number, &cookie)?;
        let grant = isolated_grant(request.inside, &number, &cookie)?;
        // Without it the app still runs, only less comfortably.
        let windows = start_window_manager(&number, &cookie, fitting).ok();
        Ok(Self { name, grant, notes: Vec::new(), windows, server: process, _number: number })
    }
}

/// Starts a server and waits until clients can connect.
pub(crate) fn start_server(
    request: &Request<'_>,
    server: Server,
    number: &Number,
    cookie: &Cookie,
) -> Result<Program, Error> {
    let failed =
        |errno: nix::Error| Error::new(Kind::CannotStart).value(server.name).because(errno);
    let (ready, written) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let mut command = guard::guarded(&server.program);
    command.arg(format!(":{}", number.get())).args(&server.args);
    command.env_clear().envs(request.host.vars()).current_dir("/");
    command.stdin(Stdio::from(authority(cookie, number)?)).stdout(Stdio::from(written));
    let mut process = Program::start(server.name, command)?;
    process.wait_line(ready, request.stop)?;
    Ok(process)
}

/// The grant of a display of our own, once its server listens.
pub(crate) fn isolated_grant(
    inside: &Inside,
    number: &Number,
    cookie: &Cookie,
) -> Result<Grant, Error> {
    let number = number.get();
    let display = LocalDisplay { number, screen: 0 };
    let grant = x_grant(inside, number, display, Some(cookie), Kind::NoXSocket)?;
    // Another user may have made the directory of the sockets and put one of their own there.
    let own = |fd: &OwnedFd| fstat(fd).is_ok_and(|stat| stat.st_uid == Uid::effective().as_raw());
    match grant.sockets.iter().all(|socket| own(&socket.fd)) {
        true => Ok(grant),
        false => Err(Error::new(Kind::NoXSocket).value(display.to_string())),
    }
}

/// Starts our window manager on the display. Any other one would be a way out: it runs on the
/// host, and its menus and keys start programs there, which an app inside could work.
fn start_window_manager(number: &Number, cookie: &Cookie, fitting: bool) -> Result<Program, Error> {
    let mut command = guard::role("windows");
    command
        .arg(number.get().to_string())
        .arg(if fitting { FITTING } else { FIXED })
        .env_clear()
        .current_dir("/");
    command.stdin(Stdio::from(authority(cookie, number)?)).stdout(Stdio::null());
    Program::start("arkose", command)
}

/// The authority file in memory: no name, no rest.
fn authority(cookie: &Cookie, number: &Number) -> Result<OwnedFd, Error> {
    let failed =
        |error: std::io::Error| Error::new(Kind::Internal).value("memfd_create").because(error);
    let fd = memfd_create(c"arkose-xauthority", MFdFlags::MFD_CLOEXEC)
        .map_err(|errno| failed(errno.into()))?;
    let mut file = File::from(fd);
    file.write_all(&cookie.file(number.get())).map_err(failed)?;
    Ok(file.into())
}

impl Display for Nested {
    fn backend(&self) -> &'static str {
        self.name
    }

    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn watched(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.server.pidfd()]
    }

    fn ended(&mut self) -> Option<Error> {
        self.server.has_ended().then(|| Error::new(Kind::DisplayGone).value(self.name))
    }

    fn notes(&self) -> &[Error] {
        &self.notes
    }

    fn note(&mut self, notes: Vec<Error>) {
        self.notes = notes;
    }

    fn stop(&mut self) {
        // The server goes first: the window manager then ends of itself.
        self.server.stop();
        self.windows = None;
    }
}
