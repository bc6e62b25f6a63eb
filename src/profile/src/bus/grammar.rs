//! The grammar of names on a bus, as the D-Bus specification has it ("Valid Names").

/// No name of any kind is longer, in bytes.
pub(super) const LONGEST: usize = 255;

/// Whether it is the well-known name of a service: two or more elements of letters, digits, `_` and
/// `-`, none beginning with a digit. Unique names (`:1.5`) are none.
#[must_use]
pub fn is_bus_name(text: &str) -> bool {
    elements(text, |byte| is_word(byte) || byte == b'-')
}

/// Whether it is the name of an interface: two or more elements of letters, digits and `_`, none
/// beginning with a digit.
#[must_use]
pub fn is_interface(text: &str) -> bool {
    elements(text, is_word)
}

/// Whether it is the name of a method or a signal.
#[must_use]
pub fn is_member(text: &str) -> bool {
    text.len() <= LONGEST && is_element(text, is_word)
}

/// Whether it is the path of an object: `/`, or elements of letters, digits and `_`, each after a `/`.
#[must_use]
pub fn is_object_path(text: &str) -> bool {
    match text.strip_prefix('/') {
        None => false,
        Some("") => true,
        Some(rest) => {
            rest.split('/').all(|element| !element.is_empty() && element.bytes().all(is_word))
        }
    }
}

fn elements(text: &str, allowed: fn(u8) -> bool) -> bool {
    text.len() <= LONGEST
        && text.contains('.')
        && text.split('.').all(|element| is_element(element, allowed))
}

fn is_element(text: &str, allowed: fn(u8) -> bool) -> bool {
    text.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && text.bytes().all(allowed)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specification() {
        let long = format!("a.{}", "b".repeat(253));
        for right in ["org.gnome.Shell", "a.b", "_a._b", "org.x7-zip", &long] {
            assert!(is_bus_name(right), "{right}");
        }
        let longer = format!("a.{}", "b".repeat(254));
        for wrong in [
            "", "org", ".org.a", "org.a.", "org..a", "org.7zip", ":1.5", "org.a/b", "org.é",
            &longer,
        ] {
            assert!(!is_bus_name(wrong), "{wrong}");
        }
        assert!(is_bus_name("org.a-b") && !is_interface("org.a-b") && is_interface("org.a_b"));
    }

    #[test]
    fn members_and_paths_follow_the_specification() {
        assert!(is_member("Hello") && is_member("_x9"));
        assert!(!is_member("") && !is_member("9x") && !is_member("a.b") && !is_member("a-b"));
        for right in ["/", "/a", "/a/9/_b"] {
            assert!(is_object_path(right), "{right}");
        }
        for wrong in ["", "a", "/a/", "//", "/a//b", "/a-b", "/a.b"] {
            assert!(!is_object_path(wrong), "{wrong}");
        }
    }
}
