//! An isolated display whose windows stand among the host's own: Xvfb, and xpra that carries each window over.
//!
//! Everything of xpra that is not windows, keys and the pointer is off: no network, sound, printing,
//! file transfer, notifications, clipboard, and no way to start programs. Neither the system's nor
//! the user's configuration of it is read. Server and client meet at a socket in a private directory.

use super::name::LocalDisplay;
use super::nested::{Server, isolated_grant, start_server};
use super::number::Number;
use super::screen::{Screen, host_authority};
use super::xauth::Cookie;
use super::{Display, Request};
use crate::child::Program;
use crate::error::{Error, Kind};
use crate::grant::Grant;
use crate::guard::{self, INPUT, OUTPUT};
use crate::host::Host;
use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = "xpra";
const SERVER: &str = "Xvfb";
/// What the server logs once it accepts connections.
const READY: &str = "xpra is ready";
/// What the client logs once it shows windows.
const ATTACHED: &str = "Attached to ";
/// What either logs when a Python module is not installed without which windows stay empty; it then
/// attaches nevertheless (seen with xpra 3.1.3 without `python3-pil`).
const BROKEN: &str = "No module named ";

/// Where Debian has Python's bindings of GObject libraries. Without the one of cairo the client shows
/// black windows and says nothing (seen with xpra 3.1.3).
const BINDINGS: &str = "/usr/lib/python3/dist-packages/gi";

/// What is the same for server and client: off.
const OFF: &[&str] = &[
    "--av-sync=no",
    "--bell=no",
    "--clipboard=no",
    "--dbus-launch=no",
    "--file-transfer=no",
    "--forward-xdg-open=no",
    "--global-menus=no",
    "--mdns=no",
    "--microphone=no",
    "--notifications=no",
    "--open-files=no",
    "--open-url=no",
    "--opengl=no",
    "--printing=no",
    "--pulseaudio=no",
    "--remote-logging=no",
    "--rfb-upgrade=no",
    "--speaker=no",
    "--ssh=no",
    "--ssh-upgrade=no",
    "--system-tray=no",
    "--systemd-run=no",
    "--webcam=no",
    "--xsettings=no",
];

/// A running xpra; dropped in this order: the client, the server, the X server, its number.
#[derive(Debug)]
struct Xpra {
    grant: Grant,
    client: Program,
    server: Program,
    screen: Program,
    _number: Number,
}

/// Starts all three and waits until the client is attached, which takes about two seconds.
pub(crate) fn start(request: &Request<'_>) -> Result<Box<dyn Display>, Error> {
    let host = request.host;
    let find =
        |name: &str| host.program(name).ok_or_else(|| Error::new(Kind::NotInstalled).value(name));
    let (program, xvfb) = (find(PROGRAM)?, find(SERVER)?);
    if !can_draw(Path::new(BINDINGS)) {
        return Err(Error::new(Kind::NotInstalled).value("python3-gi-cairo"));
    }
    let screen = Screen::of(host, LocalDisplay::of(host)?)?;
    let number = Number::reserve()?;
    let cookie = Cookie::random()?;
    let runtime = request.runtime;
    let authority = runtime.write("xauthority", 0o600, &cookie.file(number.get()))?;
    let dir = runtime.dir()?.to_owned();
    let tool = Tool { host, program: &program, dir: &dir };

    let screen = start_server(request, server(xvfb, &screen), &number, &cookie)?;
    let mut server = tool.server(number.get(), &authority)?;
    server.wait_log(READY, request.stop)?;
    let mut client = tool.client(request)?;
    client.wait_log(ATTACHED, request.stop)?;
    if let Some(broken) = [&client, &server].iter().find(|program| program.has_said(BROKEN)) {
        return Err(broken.broken());
    }
    let grant = isolated_grant(request.inside, &number, &cookie)?;
    Ok(Box::new(Xpra { grant, client, server, screen, _number: number }))
}

/// Whether the bindings have what the client draws with; yes, where they lie elsewhere.
fn can_draw(bindings: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(bindings) else { return true };
    entries.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"_gi_cairo"))
    })
}

/// The X server that apps connect to, as large as the host's screen; see Xephyr for the shared memory.
fn server(program: PathBuf, screen: &Screen) -> Server {
    let size = format!("{}x{}x24+32", screen.width, screen.height);
    let args = [
        "-displayfd",
        OUTPUT,
        "-auth",
        INPUT,
        "-nolisten",
        "tcp",
        "-nolisten",
        "local",
        "-noreset",
        "-extension",
        "MIT-SHM",
        "+extension",
        "Composite",
        "-screen",
        "0",
        &size,
    ];
    Server { name: SERVER, program, args: args.map(OsString::from).into(), fitting: false }
}

/// How xpra is run here.
struct Tool<'a> {
    host: &'a Host,
    program: &'a Path,
    dir: &'a Path,
}

impl Tool<'_> {
    /// A command that knows nothing of the user's session but what it must.
    fn command(&self, action: &str) -> Command {
        let mut command = guard::disposable(self.program);
        command.arg(action).current_dir("/").env_clear().stdin(Stdio::null());
        let kept = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE"];
        for name in kept {
            command.envs(self.host.var(name).map(|value| (name, value)));
        }
        for name in ["HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
            command.env(name, self.dir);
        }
        for name in ["XPRA_SYSTEM_CONF_DIRS", "XPRA_USER_CONF_DIRS", "XPRA_DEFAULT_CONF_DIRS"] {
            command.env(name, self.dir);
        }
        // GTK would start a bus and an accessibility bus of its own.
        command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:").env("NO_AT_BRIDGE", "1");
        command.env("GSETTINGS_BACKEND", "memory").env("XPRA_SIGNAL_WATCHER", "0");
        command
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    /// The half that manages the windows of the isolated display.
    fn server(&self, number: u16, authority: &Path) -> Result<Program, Error> {
        let display = format!(":{number}");
        let mut command = self.command("start");
        command.arg(&display).args(OFF).args([
            "--use-display=yes",
            "--daemon=no",
            "--dbus-control=no",
            "--dbus-proxy=no",
            "--exit-with-client=yes",
            "--fake-xinerama=no",
            "--html=no",
            "--input-method=none",
            "--start-new-commands=no",
        ]);
        command.arg(option("--bind=", &self.socket())).arg(option("--socket-dir=", self.dir));
        command
            .arg(option("--socket-dirs=", self.dir))
            .arg(option("--mmap=", &self.dir.join("frames")));
        command.env("DISPLAY", display).env("XAUTHORITY", authority);
        Program::start_disposable(PROGRAM, command)
    }

    /// The half that shows them on the host's display.
    fn client(&self, request: &Request<'_>) -> Result<Program, Error> {
        let mut command = self.command("attach");
        command.arg(option("socket://", &self.socket())).args(OFF).arg("--tray=no");
        command.arg(option("--mmap=", &self.dir.join("frames")));
        command.arg(format!("--title=@title@ — {}", request.title()));
        command.envs(self.host.var("DISPLAY").map(|value| ("DISPLAY", value)));
        command.envs(host_authority(self.host).map(|path| ("XAUTHORITY", path)));
        Program::start_disposable(PROGRAM, command)
    }
}

/// An option with a path as its value.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

impl Display for Xpra {
    fn backend(&self) -> &'static str {
        PROGRAM
    }

    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn watched(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.client.pidfd(), self.server.pidfd(), self.screen.pidfd()]
    }

    fn ended(&mut self) -> Option<Error> {
        let gone = self.client.has_ended() | self.server.has_ended() | self.screen.has_ended();
        gone.then(|| Error::new(Kind::DisplayGone).value(PROGRAM))
    }

    fn stop(&mut self) {
        self.client.stop();
        self.server.stop();
        self.screen.stop();
    }
}
