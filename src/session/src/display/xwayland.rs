//! An isolated display in a window of its own, on a host with Wayland and no X: Xwayland with a root window.

use super::nested::{Nested, Server};
use super::{Display, Request};
use crate::error::{Error, Kind};
use crate::guard::{INPUT, OUTPUT};
use crate::host::Host;
use crate::wayland;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = "Xwayland";
/// Xwayland is not told how large the screen is; this fits on a small laptop's.
const SIZE: &str = "1024x700";

/// Starts Xwayland on the host's compositor and waits until clients can connect.
pub(crate) fn start(request: &Request<'_>) -> Result<Box<dyn Display>, Error> {
    let host = request.host;
    let program =
        host.program(PROGRAM).ok_or_else(|| Error::new(Kind::NotInstalled).value(PROGRAM))?;
    wayland::socket(host)?;
    let mut args: Vec<OsString> = [
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
    ]
    .map(OsString::from)
    .into();
    let known = options(&program, host);
    if known.contains("-geometry") {
        args.extend(["-geometry".into(), SIZE.into()]);
    }
    // Since Xwayland 23.1; without it the window has a frame only where the compositor draws one.
    if known.contains("-decorate") {
        args.push("-decorate".into());
    }
    Ok(Box::new(Nested::start(request, Server { name: PROGRAM, program, args, fitting: false })?))
}

/// What the installed version says of itself; an unknown option would keep it from starting.
fn options(program: &Path, host: &Host) -> String {
    let mut command = Command::new(program);
    command.arg("-help").env_clear().envs(host.vars()).stdin(Stdio::null());
    command
        .output()
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .unwrap_or_default()
}
