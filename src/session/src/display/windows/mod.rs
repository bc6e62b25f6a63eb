//! The window manager of an isolated display: the frame on the host is the app's frame.
//!
//! The app's main windows fill the display and follow its size; dialogs stand in its middle, can
//! be moved by their header bar or with Alt, and stay above. More than one main window gets a strip
//! of tabs. There are no menus and no keys: nothing here starts a program, because it runs on the host and an app inside could work it. It is
//! a process of its own, so that what an app sends it has nothing else to reach.

mod atoms;
mod fit;
mod manager;
mod order;
mod root;
mod strip;
mod traits;

use super::name::LocalDisplay;
use super::screen::connect;
use super::xauth::Cookie;
use manager::Manager;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;

/// The argument for a display whose window on the host takes the size that the display is given.
pub(crate) const FITTING: &str = "fitting";
/// The argument for one of a fixed size.
pub(crate) const FIXED: &str = "fixed";

/// The role of the window manager: serves display `number` until that ends. Standard input is the
/// authority file.
pub(crate) fn manage(number: &OsStr, size: &OsStr) -> ExitCode {
    match serve(number, size == FITTING) {
        // The server ended: that is how this ends.
        Some(_gone) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn serve(number: &OsStr, fitting: bool) -> Option<x11rb::errors::ReplyOrIdError> {
    let number = number.to_str()?.parse().ok()?;
    let display = LocalDisplay { number, screen: 0 };
    let cookie = Cookie::find(&authority()?, number, b"")?;
    let connection = connect(display.connect().ok()?, 0, Some(&cookie)).ok()?;
    match Manager::new(connection, fitting) {
        Ok(mut manager) => manager.run().err(),
        Err(error) => Some(error),
    }
}

fn authority() -> Option<Vec<u8>> {
    let file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    let mut content = [0; 256];
    let length = file.read_at(&mut content, 0).ok()?;
    content.get(..length).map(<[u8]>::to_vec)
}
