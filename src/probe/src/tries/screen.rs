//! An X server, as a client finds it: by `DISPLAY` and the cookie of `XAUTHORITY`.

use super::Tried;
use crate::trial::Found;
use x11rb::connection::Connection as _;
use x11rb::errors::ConnectError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

/// How many windows are asked for their names, the uppermost first.
const WINDOWS: usize = 1000;
/// How long a name may be, in units of four bytes.
const NAME: u32 = 64;

pub(super) fn windows(display: Option<&str>) -> Tried {
    let (connection, screen) = x11rb::connect(display).map_err(|error| match error {
        ConnectError::IoError(error) => error.into(),
        error => Found::refused(error.to_string()),
    })?;
    let lost = || Found::refused("the X server does not answer");
    let root = connection.setup().roots.get(screen).ok_or_else(lost)?.root;
    let tree = connection.query_tree(root).ok().and_then(|cookie| cookie.reply().ok());
    let children = tree.ok_or_else(lost)?.children;
    let named = |window: &u32| {
        let (name, text) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        let asked = connection.get_property(false, *window, name, text, 0, NAME).ok()?;
        Some(String::from_utf8_lossy(&asked.reply().ok()?.value).into_owned())
    };
    Ok(Found::names(children.iter().rev().take(WINDOWS).filter_map(named)))
}
