//! What a window says of itself, as far as it decides where the window stands and what it is told.

use super::atoms::Atoms;
use x11rb::properties::{WmHints, WmSizeHints};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, Window};
use x11rb::rust_connection::RustConnection;

/// The longest list of atoms that is read, in units of four bytes.
const LIST_LIMIT: u32 = 64;

/// How a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It fills the display.
    Main,
    /// It keeps its size, above the main windows.
    Dialog,
}

/// What a window says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) stand: Stand,
    /// The window that it belongs to.
    pub(crate) parent: Option<Window>,
    /// It wants the focus set by the window manager.
    pub(crate) input: bool,
    /// It wants to be told to take the focus.
    pub(crate) take_focus: bool,
    /// It wants to be told to close.
    pub(crate) delete: bool,
}

impl Traits {
    pub(crate) fn of(connection: &RustConnection, atoms: &Atoms, window: Window) -> Self {
        let words = |property: u32, kind: AtomEnum| -> Vec<u32> {
            connection
                .get_property(false, window, property, kind, 0, LIST_LIMIT)
                .ok()
                .and_then(|cookie| cookie.reply().ok())
                .and_then(|reply| reply.value32().map(Iterator::collect))
                .unwrap_or_default()
        };
        let parent = words(AtomEnum::WM_TRANSIENT_FOR.into(), AtomEnum::WINDOW).first().copied();
        let types = words(atoms._NET_WM_WINDOW_TYPE, AtomEnum::ATOM);
        let protocols = words(atoms.WM_PROTOCOLS, AtomEnum::ATOM);
        let size = WmSizeHints::get_normal_hints(connection, window)
            .ok()
            .and_then(|cookie| cookie.reply().ok().flatten());
        let hints =
            WmHints::get(connection, window).ok().and_then(|cookie| cookie.reply().ok().flatten());
        let dialog = parent.is_some() || small_type(atoms, &types) || size.is_some_and(is_fixed);
        Self {
            stand: if dialog { Stand::Dialog } else { Stand::Main },
            parent,
            // Unsaid means yes (ICCCM 4.1.7).
            input: hints.and_then(|hints| hints.input).unwrap_or(true),
            take_focus: protocols.contains(&atoms.WM_TAKE_FOCUS),
            delete: protocols.contains(&atoms.WM_DELETE_WINDOW),
        }
    }
}

/// Whether the first type that is known is one of a window that does not fill the display.
fn small_type(atoms: &Atoms, types: &[u32]) -> bool {
    let small = [
        atoms._NET_WM_WINDOW_TYPE_DIALOG,
        atoms._NET_WM_WINDOW_TYPE_SPLASH,
        atoms._NET_WM_WINDOW_TYPE_TOOLBAR,
        atoms._NET_WM_WINDOW_TYPE_UTILITY,
    ];
    let known = |kind: &&u32| small.contains(kind) || **kind == atoms._NET_WM_WINDOW_TYPE_NORMAL;
    types.iter().find(known).is_some_and(|kind| small.contains(kind))
}

/// Whether a window cannot change its size.
fn is_fixed(hints: WmSizeHints) -> bool {
    hints.min_size.is_some() && hints.min_size == hints.max_size
}
