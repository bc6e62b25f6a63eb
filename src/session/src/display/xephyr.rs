//! An isolated display in a window of its own, on a host with X: Xephyr.

use super::name::LocalDisplay;
use super::nested::{Nested, Server};
use super::screen::{Keyboard, Screen};
use super::{Display, Request};
use crate::error::{Error, Kind};
use crate::guard::{INPUT, OUTPUT};
use std::ffi::OsString;

const PROGRAM: &str = "Xephyr";

/// Starts Xephyr on the host's display and waits until clients can connect.
pub(crate) fn start(request: &Request<'_>) -> Result<Box<dyn Display>, Error> {
    let host = request.host;
    let program =
        host.program(PROGRAM).ok_or_else(|| Error::new(Kind::NotInstalled).value(PROGRAM))?;
    let screen = match LocalDisplay::of(host) {
        Ok(display) => Screen::of(host, display)?,
        // Through ssh -X; Xephyr itself will say whether it gets there.
        Err(error) if error.kind() == Kind::RemoteDisplay => Screen::default(),
        Err(error) => return Err(error),
    };
    let (width, height) = screen.window();
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
        "-resizeable",
        "-no-host-grab",
        "-name",
        "arkose",
    ]
    .map(OsString::from)
    .into();
    // The server attaches System V shared memory by number with the user's own rights: with it an app
    // could read the segments of every other program of the user.
    args.extend(["-extension", "MIT-SHM"].map(OsString::from));
    args.extend(["-screen".into(), format!("{width}x{height}").into()]);
    args.extend(["-title".into(), request.title().into()]);
    args.extend(screen.keyboard.map(keyboard).unwrap_or_default());
    let server = Server { name: PROGRAM, program, args, fitting: true };
    Ok(Box::new(Nested::start(request, server)?))
}

/// Xephyr passes key codes on and has a keyboard map of its own; it starts with the host's.
fn keyboard(keyboard: Keyboard) -> Vec<OsString> {
    let names = [
        ("-xkb-rules", keyboard.rules),
        ("-xkb-model", keyboard.model),
        ("-xkb-layout", keyboard.layout),
        ("-xkb-variant", keyboard.variant),
        ("-xkb-options", keyboard.options),
    ];
    names
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .flat_map(|(option, value)| [option.into(), value.into()])
        .collect()
}
