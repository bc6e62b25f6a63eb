//! What an isolated display takes over from the host's X server: how large it may be and the keyboard.

use super::name::LocalDisplay;
use super::xauth::{Cookie, PROTOCOL};
use crate::error::{Error, Kind};
use crate::host::Host;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use x11rb::connection::Connection;
use x11rb::errors::ConnectError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt};
use x11rb::rust_connection::{DefaultStream, RustConnection};

/// No authority file is larger; a launch must not read for ever.
const AUTHORITY_LIMIT: u64 = 1 << 20;
/// The longest keyboard description that is taken over, in units of four bytes.
const KEYBOARD_LIMIT: u32 = 256;

/// Sizes that Xephyr can be given while it runs (its source, `ephyrRandRGetInfo`), wide ones first.
const SIZES: [(u16, u16); 6] =
    [(1600, 1200), (1400, 1050), (1280, 960), (1152, 864), (1024, 768), (800, 600)];

/// What the host's X server shows on and is typed on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) keyboard: Option<Keyboard>,
}

/// A keyboard by its XKB names; an empty one is the server's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyboard {
    pub(crate) rules: String,
    pub(crate) model: String,
    pub(crate) layout: String,
    pub(crate) variant: String,
    pub(crate) options: String,
}

/// Where the host's authority file should be.
pub(crate) fn host_authority(host: &Host) -> Option<PathBuf> {
    let named = host.path("XAUTHORITY").map(|path| path.as_path().to_owned());
    named.or_else(|| Some(host.home()?.as_path().join(".Xauthority")))
}

/// The cookie that the host's authority file has for a display.
pub(crate) fn host_cookie(host: &Host, display: LocalDisplay) -> Option<Cookie> {
    let path = host_authority(host)?;
    let mut content = Vec::new();
    let file =
        std::fs::metadata(&path).ok()?.is_file().then(|| std::fs::File::open(&path).ok())??;
    file.take(AUTHORITY_LIMIT).read_to_end(&mut content).ok()?;
    let name = nix::sys::utsname::uname().ok()?;
    Cookie::find(&content, display.number, name.nodename().as_encoded_bytes())
}

/// Connects to an X server with a cookie.
pub(crate) fn connect(
    stream: UnixStream,
    screen: usize,
    cookie: Option<&Cookie>,
) -> Result<RustConnection, ConnectError> {
    let (stream, _) = DefaultStream::from_unix_stream(stream)?;
    let (name, data) = match cookie {
        Some(cookie) => (PROTOCOL.to_vec(), cookie.bytes().to_vec()),
        None => (Vec::new(), Vec::new()),
    };
    RustConnection::connect_to_stream_with_auth_info(stream, screen, name, data)
}

impl Screen {
    /// Asks the host's X server; this is also where a launch learns that it lets nobody in.
    pub(crate) fn of(host: &Host, display: LocalDisplay) -> Result<Self, Error> {
        let stream = display.connect().map_err(|error| {
            Error::new(Kind::NoXSocket).value(display.to_string()).because(error)
        })?;
        let connection = connect(stream, display.screen, host_cookie(host, display).as_ref())
            .map_err(|error| {
                Error::new(Kind::XRefused)
                    .value(display.to_string())
                    .because(std::io::Error::other(error))
            })?;
        let root = connection
            .setup()
            .roots
            .get(display.screen)
            .ok_or_else(|| Error::new(Kind::BadDisplay).value(display.to_string()))?;
        let keyboard = keyboard(&connection, root.root);
        Ok(Self { width: root.width_in_pixels, height: root.height_in_pixels, keyboard })
    }

    /// A comfortable size for a window on it: the largest that Xephyr offers within four fifths.
    pub(crate) fn window(&self) -> (u16, u16) {
        let part = |length: u16| u32::from(length) * 4 / 5;
        SIZES
            .into_iter()
            .find(|(width, height)| {
                u32::from(*width) <= part(self.width) && u32::from(*height) <= part(self.height)
            })
            .unwrap_or((self.width.min(640), self.height.min(480)))
    }
}

impl Default for Screen {
    /// What is assumed of a server that cannot be asked.
    fn default() -> Self {
        Self { width: 1366, height: 1024, keyboard: None }
    }
}

/// The names that `setxkbmap` leaves on the root window: rules, model, layout, variant, options,
/// each ended by a zero byte.
fn keyboard(connection: &RustConnection, root: u32) -> Option<Keyboard> {
    let atom = connection.intern_atom(true, b"_XKB_RULES_NAMES").ok()?.reply().ok()?.atom;
    let property = connection
        .get_property(false, root, atom, AtomEnum::STRING, 0, KEYBOARD_LIMIT)
        .ok()?
        .reply()
        .ok()?;
    Keyboard::parse(&property.value)
}

impl Keyboard {
    fn parse(value: &[u8]) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+,:()./".contains(&byte);
        let mut parts = value.split(|byte| *byte == 0).map(|part| {
            part.iter().all(|byte| plain(*byte)).then(|| String::from_utf8_lossy(part).into_owned())
        });
        let mut next = || parts.next().flatten();
        Some(Self {
            rules: next()?,
            model: next()?,
            layout: next()?,
            variant: next()?,
            options: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyboard_is_read_as_setxkbmap_writes_it() {
        let keyboard =
            Keyboard::parse(b"evdev\0pc105\0fr,us\0oss,\0grp:alt_shift_toggle\0").unwrap();
        assert_eq!((keyboard.layout.as_str(), keyboard.variant.as_str()), ("fr,us", "oss,"));
        assert_eq!(Keyboard::parse(b"evdev\0pc105\0fr"), None);
        assert_eq!(Keyboard::parse(b"evdev\0pc105\0$(x)\0\0\0"), None);
    }

    #[test]
    fn a_window_fits_its_screen() {
        let window = |width, height| Screen { width, height, keyboard: None }.window();
        assert_eq!(window(1920, 1080), (1152, 864));
        assert_eq!(window(3840, 1080), (1152, 864));
        assert_eq!(window(1366, 768), (800, 600));
        assert_eq!(window(800, 600), (640, 480));
        assert_eq!(window(320, 240), (320, 240));
    }
}
