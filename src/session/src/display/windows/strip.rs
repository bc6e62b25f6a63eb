//! A strip with a tab for each main window, shown only when there is more than one: without it, the
//! lower ones could not be reached.
//!
//! It is drawn with what every X server has, a built-in font of Latin 1; other letters are shown as `?`.

use super::atoms::Atoms;
use super::order::Size;
use super::root::GROUND;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ConfigureWindowAux, ConnectionExt, CreateGCAux, CreateWindowAux,
    EventMask, Gcontext, Rectangle, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

/// How high the strip is.
const HEIGHT: u16 = 22;
/// Where letters stand in it.
const BASE: i16 = 15;
/// The width of a letter of the font `fixed`.
const LETTER: u16 = 6;
/// What is left free at each end of a tab; the right one has the mark that closes the window.
const MARGIN: u16 = 12;
/// The longest title that is read, in units of four bytes.
const TITLE_LIMIT: u32 = 64;
const LIGHT: u32 = 0x00f0_f0f4;
const ACTIVE: u32 = 0x0050_5058;

/// What a click on the strip means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Click {
    Raise(Window),
    Close(Window),
}

#[derive(Debug)]
struct Tab {
    window: Window,
    title: Vec<u8>,
}

/// The strip.
#[derive(Debug)]
pub(crate) struct Strip {
    pub(crate) window: Window,
    paint: Gcontext,
    tabs: Vec<Tab>,
    active: Window,
    width: u16,
}

impl Strip {
    pub(crate) fn new(connection: &RustConnection, root: Window) -> Result<Self, ReplyOrIdError> {
        let (window, paint) = (connection.generate_id()?, connection.generate_id()?);
        let look = CreateWindowAux::new()
            .override_redirect(1)
            .background_pixel(GROUND)
            .event_mask(EventMask::EXPOSURE | EventMask::BUTTON_PRESS);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(0, window, root, 0, 0, 1, HEIGHT, 0, class, 0, &look)?;
        let font = connection.generate_id()?;
        connection.open_font(font, b"fixed")?;
        connection.create_gc(paint, window, &CreateGCAux::new().font(font))?;
        connection.close_font(font)?;
        Ok(Self { window, paint, tabs: Vec::new(), active: x11rb::NONE, width: 1 })
    }

    /// How much of the display it takes.
    pub(crate) fn height(&self) -> u16 {
        if self.tabs.len() > 1 { HEIGHT } else { 0 }
    }

    /// A main window has come.
    pub(crate) fn add(
        &mut self,
        connection: &RustConnection,
        atoms: &Atoms,
        window: Window,
    ) -> Result<(), ConnectionError> {
        self.tabs.push(Tab { window, title: title(connection, atoms, window)? });
        Ok(())
    }

    /// A window has gone.
    pub(crate) fn remove(&mut self, window: Window) {
        self.tabs.retain(|tab| tab.window != window);
    }

    /// A window may have another title.
    pub(crate) fn rename(
        &mut self,
        connection: &RustConnection,
        atoms: &Atoms,
        window: Window,
    ) -> Result<(), ConnectionError> {
        if let Some(tab) = self.tabs.iter_mut().find(|tab| tab.window == window) {
            tab.title = title(connection, atoms, window)?;
            self.draw(connection)?;
        }
        Ok(())
    }

    /// Shows or hides it, above all windows, on a display of this size.
    pub(crate) fn show(
        &mut self,
        connection: &RustConnection,
        display: Size,
        active: Window,
    ) -> Result<(), ConnectionError> {
        self.width = display.width;
        // A dialog leaves the tab of its main window as it is.
        if self.tabs.iter().any(|tab| tab.window == active) {
            self.active = active;
        }
        if self.height() == 0 {
            connection.unmap_window(self.window)?;
            return Ok(());
        }
        let place =
            ConfigureWindowAux::new().width(u32::from(self.width)).stack_mode(StackMode::ABOVE);
        connection.configure_window(self.window, &place)?;
        connection.map_window(self.window)?;
        self.draw(connection)
    }

    /// What a click at this place means.
    pub(crate) fn click(&self, x: i16) -> Option<Click> {
        let x = u16::try_from(x).ok()?;
        let each = self.each();
        let tab = self.tabs.get(usize::from(x / each))?;
        let closes = x % each >= each.saturating_sub(MARGIN + LETTER);
        Some(if closes { Click::Close(tab.window) } else { Click::Raise(tab.window) })
    }

    /// The width of one tab.
    fn each(&self) -> u16 {
        let tabs = u16::try_from(self.tabs.len()).unwrap_or(u16::MAX).max(1);
        (self.width / tabs).max(1)
    }

    pub(crate) fn draw(&self, connection: &RustConnection) -> Result<(), ConnectionError> {
        if self.height() == 0 {
            return Ok(());
        }
        let each = self.each();
        let letters = usize::from(each.saturating_sub(3 * MARGIN) / LETTER);
        for (index, tab) in self.tabs.iter().enumerate() {
            let left = u16::try_from(index).unwrap_or(u16::MAX).saturating_mul(each);
            let Ok(x) = i16::try_from(left) else { break };
            let ground = if tab.window == self.active { ACTIVE } else { GROUND };
            let area = Rectangle { x, y: 0, width: each.saturating_sub(1), height: HEIGHT };
            connection.change_gc(self.paint, &ChangeGCAux::new().foreground(ground))?;
            connection.poly_fill_rectangle(self.window, self.paint, &[area])?;
            let ink = ChangeGCAux::new().foreground(LIGHT).background(ground);
            connection.change_gc(self.paint, &ink)?;
            let shown = tab.title.get(..letters).unwrap_or(&tab.title);
            let at = |offset: u16| x.saturating_add_unsigned(offset);
            connection.image_text8(self.window, self.paint, at(MARGIN), BASE, shown)?;
            let mark = at(each.saturating_sub(MARGIN));
            connection.image_text8(self.window, self.paint, mark, BASE, b"x")?;
        }
        Ok(())
    }
}

/// A window's title in Latin 1, no longer than a request for text takes.
fn title(
    connection: &RustConnection,
    atoms: &Atoms,
    window: Window,
) -> Result<Vec<u8>, ConnectionError> {
    let read = |name: u32| -> Result<Vec<u8>, ConnectionError> {
        let asked = connection.get_property(false, window, name, AtomEnum::ANY, 0, TITLE_LIMIT)?;
        Ok(asked.reply().map(|reply| reply.value).unwrap_or_default())
    };
    let named = read(atoms._NET_WM_NAME)?;
    let bytes = if named.is_empty() { read(AtomEnum::WM_NAME.into())? } else { named };
    Ok(latin1(&String::from_utf8_lossy(&bytes)))
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| u8::try_from(letter).unwrap_or(b'?'))
        .map(|letter| if letter.is_ascii_control() { b' ' } else { letter })
        .take(usize::from(u8::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(windows: &[Window], width: u16) -> Strip {
        let tabs = windows.iter().map(|window| Tab { window: *window, title: Vec::new() });
        Strip { window: 0, paint: 0, tabs: tabs.collect(), active: 0, width }
    }

    #[test]
    fn it_is_there_only_for_more_than_one_window() {
        assert_eq!(strip(&[], 100).height(), 0);
        assert_eq!(strip(&[1], 100).height(), 0);
        assert_eq!(strip(&[1, 2], 100).height(), HEIGHT);
    }

    #[test]
    fn a_click_raises_or_closes_the_window_of_its_tab() {
        let strip = strip(&[1, 2], 200);
        assert_eq!(strip.click(0), Some(Click::Raise(1)));
        assert_eq!(strip.click(95), Some(Click::Close(1)));
        assert_eq!(strip.click(100), Some(Click::Raise(2)));
        assert_eq!(strip.click(199), Some(Click::Close(2)));
        assert_eq!(strip.click(200), None);
        assert_eq!(strip.click(-1), None);
    }

    #[test]
    fn titles_are_one_line_of_latin_1() {
        assert_eq!(latin1("é\n→x"), [0xe9, b' ', b'?', b'x']);
        assert_eq!(latin1(&"a".repeat(1000)).len(), 255);
    }
}
