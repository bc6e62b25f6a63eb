//! The size of a display whose window on the host can follow it: no larger than the app wants.
//!
//! A small app gets a small window; a larger window of it lets the display grow again, up to what it
//! began with. Once the user has given it another size, that stays.

use super::order::Size;
use x11rb::errors::ReplyError;
use x11rb::protocol::randr::{ConnectionExt as _, SetConfig};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

/// What is known of the display's size.
#[derive(Debug)]
pub(crate) struct Fit {
    /// The size that it began with.
    largest: Size,
    /// The sizes that it had of ours, the latest last; none once the user has given it another.
    given: Vec<Size>,
    /// The largest that a window has wanted.
    wanted: Option<Size>,
}

impl Fit {
    /// For a display of this size, if the server can change it.
    pub(crate) fn new(connection: &RustConnection, size: Size) -> Option<Self> {
        // A server gives its answers in the form of the version that was asked for.
        connection.randr_query_version(1, 2).ok()?.reply().ok()?;
        Some(Self::of(size))
    }

    fn of(size: Size) -> Self {
        Self { largest: size, given: vec![size], wanted: None }
    }

    /// The display had this size. A change may be told late, when the display has the next already:
    /// any size of ours is not the user's.
    pub(crate) fn resized(&mut self, size: Size) {
        if !self.given.contains(&size) {
            self.given.clear();
        }
    }

    /// A window that wants this size appears; the size that the display is to have then, if another.
    fn next(&mut self, window: Size, offered: &[Size]) -> Option<Size> {
        let given = *self.given.last()?;
        let before = self.wanted.unwrap_or(window);
        let wanted = Size {
            width: before.width.max(window.width),
            height: before.height.max(window.height),
        };
        self.wanted = Some(wanted);
        let enough = |size: &&Size| size.holds(wanted) && self.largest.holds(**size);
        let area = |size: &&Size| u32::from(size.width) * u32::from(size.height);
        let next = offered.iter().filter(enough).min_by_key(area).copied().unwrap_or(self.largest);
        (next != given).then_some(next)
    }

    /// Gives the display the size that suits a window that appears; that size, when it is another.
    pub(crate) fn suit(
        &mut self,
        connection: &RustConnection,
        root: Window,
        window: Size,
    ) -> Result<Option<Size>, ReplyError> {
        let offer = connection.randr_get_screen_info(root)?.reply()?;
        let offered: Vec<Size> = offer
            .sizes
            .iter()
            .map(|size| Size { width: size.width, height: size.height })
            .collect();
        let Some(next) = self.next(window, &offered) else { return Ok(None) };
        let index = offered.iter().position(|size| *size == next);
        let Some(index) = index.and_then(|index| u16::try_from(index).ok()) else {
            return Ok(None);
        };
        let (asked, known) = (x11rb::CURRENT_TIME, offer.config_timestamp);
        let set =
            connection.randr_set_screen_config(root, asked, known, index, offer.rotation, 0)?;
        if set.reply()?.status != SetConfig::SUCCESS {
            return Ok(None);
        }
        self.given.push(next);
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: u16, height: u16) -> Size {
        Size { width, height }
    }

    const OFFERED: [Size; 4] = [size(1024, 768), size(800, 600), size(640, 480), size(320, 240)];

    #[test]
    fn a_display_is_as_small_as_its_windows_let_it() {
        let mut fit = Fit::of(size(1024, 768));
        assert_eq!(fit.next(size(200, 100), &OFFERED), Some(size(320, 240)));
        fit.given.push(size(320, 240));
        assert_eq!(fit.next(size(100, 200), &OFFERED), None);
        assert_eq!(fit.next(size(300, 300), &OFFERED), Some(size(640, 480)));
        fit.given.push(size(640, 480));
        fit.resized(size(320, 240));
        assert_eq!(fit.next(size(3000, 3000), &OFFERED), Some(size(1024, 768)));
        fit.given.push(size(1024, 768));
        assert_eq!(fit.next(size(10, 10), &OFFERED), None);
    }

    #[test]
    fn a_size_that_the_user_gave_stays() {
        let mut fit = Fit::of(size(1024, 768));
        fit.resized(size(1024, 768));
        fit.resized(size(900, 700));
        assert_eq!(fit.next(size(200, 100), &OFFERED), None);
    }
}
