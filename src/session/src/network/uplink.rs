//! The way out of a sandbox's own network that needs no privilege: `pasta`, of the package passt, which
//! carries packets between an interface inside and sockets of the user's outside.
//!
//! It gets nothing of the user's but the two namespaces, by descriptor. No port is forwarded in either
//! direction; the services of this machine are reached through its gateway only where a rule names them.

use crate::child::Program;
use crate::error::{Error, Kind};
use crate::guard;
use crate::runtime::Runtime;
use rustix::io::{FdFlags, fcntl_setfd};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::Stdio;

const NAME: &str = "pasta";
/// The name of the interface inside.
pub(crate) const INTERFACE: &str = "net0";

/// Where distributions put it. It is not looked for in `PATH`: an app may have been given one of the
/// directories there.
const PLACES: [&str; 3] =
    ["/usr/bin/pasta", "/usr/local/bin/pasta", "/run/current-system/sw/bin/pasta"];

/// Where it is installed.
///
/// # Errors
/// When it is not.
pub(crate) fn find() -> Result<&'static Path, Error> {
    let mut places = PLACES.iter().map(Path::new);
    places.find(|place| place.is_file()).ok_or_else(|| Error::new(Kind::NoUplink))
}

/// Connects the network namespace `network`, which belongs to the user namespace `owner`.
pub(super) fn start(
    program: &Path,
    runtime: &Runtime,
    network: &OwnedFd,
    owner: &OwnedFd,
    reaches_host: bool,
) -> Result<Program, Error> {
    let failed = |errno| Error::new(Kind::CannotStart).value(NAME).because(errno);
    let mut command = guard::disposable(program);
    command.args(["--foreground", "--stderr", "--quiet", "--config-net", "--ns-ifname", INTERFACE]);
    command.args(["--tcp-ports", "none", "--udp-ports", "none"]);
    command.args(["--tcp-ns", "none", "--udp-ns", "none"]);
    if !reaches_host {
        command.arg("--no-map-gw");
    }
    for (option, namespace) in [("--netns", network), ("--userns", owner)] {
        // Only it is started while they are inherited: this process has one thread.
        fcntl_setfd(namespace, FdFlags::empty()).map_err(failed)?;
        command.arg(option).arg(format!("/proc/self/fd/{}", namespace.as_raw_fd()));
    }
    command.env_clear().current_dir("/").stdin(Stdio::null());
    let program = Program::start_disposable(NAME, command);
    for namespace in [network, owner] {
        fcntl_setfd(namespace, FdFlags::CLOEXEC).map_err(failed)?;
    }
    let program = program?;
    // The kernel forgets whom a program is to end with when that changes its rights, as this one may.
    runtime.take_along(program.id())?;
    Ok(program)
}
