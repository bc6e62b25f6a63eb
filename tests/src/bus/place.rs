//! A bus of the test's own, a filtering proxy before it, and connections to both, all of the test
//! user's: a bus asks the kernel who connects.

use super::connection::Connection;
use crate::Scratch;
use crate::arkose::{Busy, busy};
use crate::machine::machine;
use crate::wait;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::fs::{self, File};
use std::io::{IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// Connects to sockets as the test user, and hands the connections over (`arkose-bus dial`).
#[derive(Debug)]
pub struct Dialler(Mutex<UnixStream>);

impl Dialler {
    /// Starts one, which ends when it is dropped.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start() -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let mut command = machine().as_user(machine().programs.join("arkose-bus"));
        command.arg("dial").stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut child = command.spawn().expect("arkose-bus");
        std::thread::spawn(move || child.wait());
        Self(Mutex::new(ours))
    }

    /// A connection to the socket at a path.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn dial(&self, path: &Path) -> std::io::Result<UnixStream> {
        let mut socket = self.0.lock().expect("no test panics with it");
        socket.write_all(format!("{}\n", path.display()).as_bytes())?;
        let (mut byte, mut space) =
            ([0], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
        let mut rights = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut byte)];
        recvmsg(&*socket, &mut parts, &mut rights, RecvFlags::CMSG_CLOEXEC)?;
        for message in rights.drain() {
            if let RecvAncillaryMessage::ScmRights(mut fds) = message
                && let Some(fd) = fds.next()
            {
                return Ok(fd.into());
            }
        }
        Err(std::io::ErrorKind::ConnectionRefused.into())
    }
}

/// A message bus. Dropping it ends it.
#[derive(Debug)]
pub struct Bus {
    child: Child,
    scratch: Scratch,
    dialler: Dialler,
    // Who compares what lies on the host would see it.
    _busy: Busy,
}

impl Bus {
    /// Starts one that allows everything, as a session bus does, and can start services: pairs of a
    /// name and the command for it.
    ///
    /// # Panics
    ///
    /// When it does not say that it listens.
    #[must_use]
    pub fn start(services: &[(&str, &str)]) -> Self {
        let (busy, scratch) = (busy(), Scratch::home());
        let directory = scratch.directory("services");
        for (name, command) in services {
            let text = format!("[D-BUS Service]\nName={name}\nExec={command}\n");
            scratch.file(format!("services/{name}.service"), text);
        }
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <servicedir>{}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_incomplete_connections">4096</limit>
  <limit name="max_completed_connections">4096</limit>
  <limit name="max_connections_per_user">4096</limit>
</busconfig>
"#,
            scratch.join("bus").display(),
            directory.display()
        );
        let config = scratch.file("bus.conf", text);
        let mut command = machine().as_user("dbus-daemon");
        command.arg(format!("--config-file={}", config.display()));
        command.args(["--nofork", "--nopidfile", "--print-address=1"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("dbus-daemon");
        let mut said = wait::Lines::of(child.stdout.take().expect("it is a pipe"));
        said.expect_line("unix:");
        Self { child, scratch, dialler: Dialler::start(), _busy: busy }
    }

    /// A directory that goes with the bus.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.scratch.join("bus")
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    /// The daemon's pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to a socket on which nothing was said yet.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    #[must_use]
    pub fn dial(&self, path: &Path) -> Connection {
        let socket = self.dialler.dial(path);
        Connection::new(socket.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// A connection to a socket by somebody that the bus knows.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    #[must_use]
    pub fn connect_to(&self, path: &Path) -> Connection {
        let mut connection = self.dial(path);
        let said = connection.authenticate(machine().uid).and_then(|()| connection.hello());
        said.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        connection
    }

    /// A connection to the bus, with nothing in between, that owns names.
    ///
    /// # Panics
    ///
    /// When it cannot be had.
    #[must_use]
    pub fn connect(&self, names: &[&str]) -> Connection {
        let mut connection = self.connect_to(&self.socket());
        for name in names {
            assert_eq!(connection.own(name), Ok(1), "{name}");
        }
        connection
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whose proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// `arkose-dbus-proxy`.
    Ours,
    /// `xdg-dbus-proxy`.
    Theirs,
}

/// A filtering proxy before a bus. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
    /// It ends when this is closed.
    alive: Option<UnixStream>,
}

impl Proxy {
    /// Starts one with rules, in the words that both understand, and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn start(which: Which, bus: &Bus, rules: &[&str]) -> Self {
        let (name, program) = match which {
            Which::Ours => ("ours", machine().programs.join("arkose-dbus-proxy")),
            Which::Theirs => ("theirs", "xdg-dbus-proxy".into()),
        };
        let socket = bus.scratch.join(name);
        let log = bus.scratch.file(format!("{name}.log"), "");
        let (mut alive, theirs) = UnixStream::pair().expect("a socket pair");
        let mut command: Command = machine().as_user(program);
        command.arg("--fd=0").arg(bus.address()).arg(&socket).args(["--filter", "--log"]);
        let output = File::options().append(true).open(&log).expect("it was just made");
        command.args(rules).stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(output.try_clone().expect("a descriptor")).stderr(output);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        drop(command);
        alive.set_read_timeout(Some(wait::LAUNCH)).expect("a time-out");
        let listens = alive.read_exact(&mut [0]);
        let proxy = Self { child, socket, log, alive: Some(alive) };
        if let Err(error) = listens {
            panic!("the proxy does not listen: {error}: {}", proxy.log());
        }
        proxy
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How many descriptors it holds.
    ///
    /// # Panics
    ///
    /// When it is gone.
    #[must_use]
    pub fn fds(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs").count()
    }

    /// Its resident memory in KiB.
    ///
    /// # Panics
    ///
    /// When it is gone.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("VmRSS")
    }

    /// Whether it runs still.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Closes what keeps it alive, and answers whether it ended of itself.
    #[must_use]
    pub fn ends(&mut self, limit: Duration) -> bool {
        self.alive = None;
        wait::until(limit, || !self.runs())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
