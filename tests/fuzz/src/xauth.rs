//! X authority files.

use arkose_session::display::xauth::Cookie;

/// Tries one: a display number, then the file.
pub fn try_one(bytes: &[u8]) {
    let Some((number, file)) = bytes.split_first_chunk::<2>() else { return };
    let number = u16::from_be_bytes(*number);
    for host in [&b"host"[..], b""] {
        let Some(cookie) = Cookie::find(file, number, host) else { continue };
        let written = cookie.file(number);
        assert_eq!(Cookie::find(&written, number, b"another"), Some(cookie.clone()));
        assert!(Cookie::find(&written, number.wrapping_add(1), host).is_none());
        // What follows it changes nothing, and neither does what is cut off behind it.
        let longer = [&written, file].concat();
        assert_eq!(Cookie::find(&longer, number, b"another"), Some(cookie));
    }
}
