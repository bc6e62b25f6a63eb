//! A D-Bus message, as an app sends it to the proxy.

use arkose_dbus_proxy::fields::Header;
use arkose_dbus_proxy::frame::{Frame, MAX_HEADER, MAX_MESSAGE, PREFIX};

/// Tries one message.
pub fn try_one(bytes: &[u8]) {
    let Ok(Some(frame)) = Frame::scan(bytes) else { return };
    assert!(frame.serial != 0 && frame.total <= MAX_MESSAGE && frame.fields <= MAX_HEADER);
    assert!(PREFIX <= frame.fields && frame.fields <= frame.header && frame.header <= frame.total);
    // Whatever follows the first bytes, they say the same.
    assert_eq!(Frame::scan(&bytes[..PREFIX]), Ok(Some(frame)));
    let Ok(header) = Header::parse(frame, bytes) else { return };
    let names = [header.path, header.interface, header.member, header.error, header.destination];
    for name in names.into_iter().flatten() {
        assert!(!name.is_empty() && !name.contains(char::is_control), "{name:?}");
    }
    // What lies behind the header says nothing about it.
    assert_eq!(Header::parse(frame, &bytes[..frame.header.min(bytes.len())]), Ok(header));
    let mut body = header.body(bytes);
    if header.signature.starts_with('s')
        && let Ok(text) = body.text()
    {
        assert!(!text.contains('\0'), "{text:?}");
    }
}
