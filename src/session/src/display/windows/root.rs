//! The root window: taking it over, how it looks, and what it tells apps about its manager.

use super::atoms::Atoms;
use super::order::Size;
use x11rb::connection::Connection;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt, CreateWindowAux, EventMask, PropMode,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The pointer shape `left_ptr` of the font `cursor`.
const LEFT_POINTER: u16 = 68;
/// A neutral ground where no window is.
pub(crate) const GROUND: u32 = 0x0030_3034;

/// Becomes the window manager, gives the ground a colour and the pointer a shape. Fails when there
/// is a window manager already.
pub(crate) fn take(connection: &RustConnection, root: Window) -> Result<(), ReplyOrIdError> {
    let events = EventMask::SUBSTRUCTURE_REDIRECT
        | EventMask::SUBSTRUCTURE_NOTIFY
        | EventMask::STRUCTURE_NOTIFY;
    let taken = ChangeWindowAttributesAux::new().event_mask(events);
    connection.change_window_attributes(root, &taken)?.check()?;
    let (font, cursor) = (connection.generate_id()?, connection.generate_id()?);
    connection.open_font(font, b"cursor")?;
    let (shape, mask) = (LEFT_POINTER, LEFT_POINTER + 1);
    let white = u16::MAX;
    connection
        .create_glyph_cursor(cursor, font, font, shape, mask, 0, 0, 0, white, white, white)?;
    connection.close_font(font)?;
    let look = ChangeWindowAttributesAux::new().cursor(cursor).background_pixel(GROUND);
    connection.change_window_attributes(root, &look)?;
    connection.clear_area(false, root, 0, 0, 0, 0)?;
    Ok(())
}

/// Says that there is a window manager and what it does (EWMH, “Root Window Properties”).
pub(crate) fn announce(
    connection: &RustConnection,
    atoms: &Atoms,
    root: Window,
) -> Result<(), ReplyOrIdError> {
    let own = connection.generate_id()?;
    let aux = CreateWindowAux::new().override_redirect(1);
    let class = WindowClass::INPUT_ONLY;
    connection.create_window(0, own, root, -1, -1, 1, 1, 0, class, 0, &aux)?;
    let replace = PropMode::REPLACE;
    for window in [own, root] {
        let check = atoms._NET_SUPPORTING_WM_CHECK;
        connection.change_property32(replace, window, check, AtomEnum::WINDOW, &[own])?;
    }
    let (name, utf8) = (atoms._NET_WM_NAME, atoms.UTF8_STRING);
    connection.change_property8(replace, own, name, utf8, b"Arkose")?;
    let (supported, all) = (atoms._NET_SUPPORTED, atoms.supported());
    connection.change_property32(replace, root, supported, AtomEnum::ATOM, &all)?;
    Ok(())
}

/// Says where windows may stand.
pub(crate) fn tell_work_area(
    connection: &RustConnection,
    atoms: &Atoms,
    root: Window,
    size: Size,
    top: u16,
) -> Result<(), ReplyOrIdError> {
    let area = [0, u32::from(top), u32::from(size.width), u32::from(size.height)];
    let (name, kind) = (atoms._NET_WORKAREA, AtomEnum::CARDINAL);
    connection.change_property32(PropMode::REPLACE, root, name, kind, &area)?;
    Ok(())
}
