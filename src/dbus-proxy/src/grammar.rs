//! The grammar of signatures and of names that the rules do not have: unique names, and either kind.

use arkose_profile::bus::is_bus_name;

/// The name of the bus itself.
pub const BUS: &str = "org.freedesktop.DBus";

/// The object of the bus itself.
pub const BUS_PATH: &str = "/org/freedesktop/DBus";

/// The most levels of arrays, and of structures (D-Bus specification, “Valid Signatures”).
const DEEPEST: u32 = 32;

/// Whether it is the unique name of a connection, as `:1.5`.
#[must_use]
pub fn is_unique(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(':') else { return false };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.len() <= 255
        && rest.contains('.')
        && rest.split('.').all(|part| !part.is_empty() && part.bytes().all(word))
}

/// Whether it is a name of either kind.
#[must_use]
pub fn is_name(text: &str) -> bool {
    is_unique(text) || is_bus_name(text)
}

/// Whether it is a row of complete types.
#[must_use]
pub fn is_signature(text: &str) -> bool {
    if text.len() > 255 {
        return false;
    }
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match complete(rest, 0, 0) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// What follows the complete type at the beginning.
fn complete(text: &[u8], arrays: u32, structures: u32) -> Option<&[u8]> {
    if arrays > DEEPEST || structures > DEEPEST {
        return None;
    }
    let (first, rest) = text.split_first()?;
    match first {
        b'a' => match rest.split_first() {
            Some((b'{', entry)) => {
                let (key, value) = entry.split_first()?;
                let after = complete(value, arrays + 1, structures + 1)?;
                if is_basic(*key) { after.strip_prefix(b"}") } else { None }
            }
            _ => complete(rest, arrays + 1, structures),
        },
        b'(' => {
            let mut rest = complete(rest, arrays, structures + 1)?;
            loop {
                match rest.strip_prefix(b")") {
                    Some(after) => return Some(after),
                    None => rest = complete(rest, arrays, structures + 1)?,
                }
            }
        }
        b'v' => Some(rest),
        basic if is_basic(*basic) => Some(rest),
        _ => None,
    }
}

fn is_basic(code: u8) -> bool {
    b"ybnqiuxtdsogh".contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_follow_the_specification() {
        let deep = format!("{}y", "a".repeat(32));
        let nested = format!("{}y{}", "(".repeat(32), ")".repeat(32));
        for right in ["", "s", "as", "a{sv}", "(ii)", "a(sa{s(iv)})h", "aay", &deep, &nested] {
            assert!(is_signature(right), "{right}");
        }
        let deeper = format!("a{deep}");
        let wider = format!("({nested})");
        let long = "y".repeat(256);
        for wrong in [
            "a", "()", "(", ")", "(s", "a{s}", "a{vs}", "{sv}", "a{sv", "z", &deeper, &wider, &long,
        ] {
            assert!(!is_signature(wrong), "{wrong}");
        }
    }

    #[test]
    fn unique_names_follow_the_specification() {
        assert!(is_unique(":1.5") && is_unique(":1.a-b_c.9"));
        for wrong in ["", ":", ":1", "1.5", ":1..5", ":1.5 ", ":.5", ":1.é"] {
            assert!(!is_unique(wrong), "{wrong}");
        }
    }
}
