//! Names of hosts and domains, as a rule writes them and as an app asks for them.
//!
//! A name is lower-case ASCII without a dot at its end (RFC 1035, and “_” as services have it). What is
//! written otherwise in the world (`bücher.example`) has a form of that kind, `xn--bcher-kva.example` (RFC 5891).

use crate::i18n::{Message, N_};
use std::fmt;

/// No name is longer, in bytes; with the lengths of its parts it fills the 255 of a message.
const LONGEST: usize = 253;

/// No part of a name is longer.
const LONGEST_PART: usize = 63;

/// Which names: `example.org`, or `*.example.org` (that and every name below it).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern {
    /// The name, lower case, without a dot at its end.
    pub name: String,
    /// Whether the names below it are meant as well.
    pub below: bool,
}

impl NamePattern {
    /// Whether it matches a name; letters may be large, and a dot may stand at the end.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (name, top) = (name.strip_suffix('.').unwrap_or(name).as_bytes(), self.name.as_bytes());
        let Some(start) = name.len().checked_sub(top.len()) else { return false };
        let (head, tail) = name.split_at(start);
        tail.eq_ignore_ascii_case(top)
            && (head.is_empty() || (self.below && head.last() == Some(&b'.')))
    }

    /// Reads the text of a target that is neither a word nor an address.
    pub(super) fn parse(text: &str) -> Result<Self, Message> {
        let about = |pattern| Message::new(pattern).with("name", text);
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        if name.contains('*') {
            return Err(about(N_(
                "“{name}” cannot be: a “*” stands alone, or before a dot and a name, like “*.example.org”",
            )));
        }
        if let Some(rest) = text.strip_prefix('.')
            && canonical_name(rest).is_some()
        {
            return Err(about(N_(
                "“{name}” begins with a dot; for a name and all below it write “*{name}”",
            )));
        }
        if !name.is_ascii() {
            return Err(about(N_(
                "“{name}” has letters that names on the network do not have; write the form of it that begins with “xn--”, like “xn--bcher-kva.example” for “bücher.example”",
            )));
        }
        canonical_name(name).map(|name| Self { name, below }).ok_or_else(|| wrong(name, text))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below {
            f.write_str("*.")?;
        }
        f.write_str(&self.name)
    }
}

/// A name as rules hold it: lower case, without the dot at its end. `None` when it is none.
#[must_use]
pub fn canonical_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let right = name.len() <= LONGEST
        && name.split('.').all(is_part)
        // What ends in a number is an address, or a slip in one.
        && !name.rsplit('.').next().is_some_and(is_number);
    right.then(|| name.to_ascii_lowercase())
}

fn is_part(part: &str) -> bool {
    (1..=LONGEST_PART).contains(&part.len())
        && part.bytes().all(is_letter)
        && !part.starts_with('-')
        && !part.ends_with('-')
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is wrong with a name that is none; `text` is how it was written.
fn wrong(name: &str, text: &str) -> Message {
    let name = name.strip_suffix('.').unwrap_or(name);
    let about = |pattern, part: &str| Message::new(pattern).with("name", text).with("part", part);
    for part in name.split('.') {
        if let Some(wrong) = part.chars().find(|c| !u8::try_from(*c).is_ok_and(is_letter)) {
            return about(
                N_("“{part}” cannot be in “{name}”: a name has letters, digits, “-”, “_” and dots"),
                wrong.encode_utf8(&mut [0; 4]),
            );
        }
        if part.is_empty() {
            return about(N_("“{name}” has an empty part: two dots, or one at an end"), part);
        }
        if part.len() > LONGEST_PART {
            return about(N_("a part of a name has at most 63 letters; “{part}” is longer"), part);
        }
        if part.starts_with('-') || part.ends_with('-') {
            return about(N_("“{part}” in “{name}” begins or ends with a “-”"), part);
        }
    }
    if name.len() > LONGEST {
        return about(N_("a name has at most 253 letters"), name);
    }
    about(
        N_(
            "“{name}” is no address: one of IPv4 has four numbers from 0 to 255, without zeros before them",
        ),
        name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_ends_at_a_dot() {
        let pattern = |text| NamePattern::parse(text).unwrap();
        let below = pattern("*.example.org");
        for name in ["example.org", "www.example.org", "a.b.example.org", "WWW.Example.ORG."] {
            assert!(below.matches(name), "{name}");
        }
        for name in ["badexample.org", "org", "example.org.evil", "example.com", "", "."] {
            assert!(!below.matches(name), "{name}");
        }
        let one = pattern("example.org");
        assert!(one.matches("example.org") && one.matches("EXAMPLE.org."));
        assert!(!one.matches("www.example.org"));
        assert!(pattern("*.org").matches("org") && pattern("*.org").matches("a.org"));
    }

    #[test]
    fn names_have_one_form() {
        assert_eq!(canonical_name("WWW.Example.Org."), Some("www.example.org".to_owned()));
        assert_eq!(
            canonical_name("_sip._tcp.example.org").as_deref(),
            Some("_sip._tcp.example.org")
        );
        let part = "a".repeat(63);
        let longest = format!("{part}.{part}.{part}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(
            canonical_name(&longest).is_some() && canonical_name(&format!("{longest}a")).is_none()
        );
        for wrong in ["", ".", "..", "a..b", "-a.org", "a-.org", "a b.org", "é.org", "1.2.3", "a.1"]
        {
            assert_eq!(canonical_name(wrong), None, "{wrong}");
        }
        assert!(canonical_name(&format!("{part}a.org")).is_none());
    }
}
