//! Names of hosts as rules know them: labels in lower case ASCII with dots between them.
//!
//! On the wire a label may hold any byte, a dot among them, so that two names that are not the same
//! could look alike once they are written down. A name with such a label has no text, and no rule
//! matches it.

use domain::base::name::ToLabelIter;
use domain::base::{Name, ToName};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A name as it is kept: in lower case, and whole.
pub type Plain = Name<Vec<u8>>;

/// The text of a name, without a dot at its end; the root's is empty. None where a label holds what
/// is not visible ASCII, or a sign that has a meaning in the text of a name.
#[must_use]
pub fn text(name: &(impl ToLabelIter + ?Sized)) -> Option<String> {
    let mut text = String::new();
    for label in name.iter_labels().filter(|label| !label.is_root()) {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label.iter() {
            if !byte.is_ascii_graphic() || matches!(byte, b'.' | b'\\' | b'"' | b'@' | b'$') {
                return None;
            }
            text.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    Some(text)
}

/// The name in lower case, with room of its own.
#[must_use]
pub fn plain(name: &(impl ToName + ?Sized)) -> Plain {
    name.to_canonical_name()
}

/// What is told of a name that has no text: every other byte is written as a question mark.
#[must_use]
pub fn shown(name: &(impl ToLabelIter + ?Sized)) -> String {
    let labels = name.iter_labels().filter(|label| !label.is_root());
    let plain = |byte: u8| if byte.is_ascii_graphic() && byte != b'.' { byte } else { b'?' };
    let labels = labels.map(|label| label.iter().map(|byte| char::from(plain(byte))).collect());
    labels.collect::<Vec<String>>().join(".")
}

/// Whether a name is this computer's own, whoever is asked (RFC 6761).
#[must_use]
pub fn is_localhost(text: &str) -> bool {
    text == "localhost" || text.ends_with(".localhost")
}

/// What a name in `in-addr.arpa` or `ip6.arpa` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reverse {
    /// The name of that address.
    Of(IpAddr),
    /// Something else in there, such as a network.
    Other,
}

/// What a reverse name asks about; none for all other names.
#[must_use]
pub fn reverse(text: &str) -> Option<Reverse> {
    if let Some(rest) = below(text, "in-addr.arpa") {
        let mut octets = [0; 4];
        let ok = fill(rest, &mut octets, |label| {
            // As it is written there and no other way: no zero in front.
            let octet: u8 = label.parse().ok()?;
            (octet.to_string() == label).then_some(octet)
        });
        let address = IpAddr::V4(Ipv4Addr::from(octets));
        return Some(if ok { Reverse::Of(address) } else { Reverse::Other });
    }
    let rest = below(text, "ip6.arpa")?;
    let mut nibbles = [0_u8; 32];
    let ok = fill(rest, &mut nibbles, |label| {
        let mut signs = label.chars();
        let digit = signs.next()?.to_digit(16)?;
        signs.next().is_none().then_some(u8::try_from(digit).ok()?)
    });
    let bits = nibbles.iter().fold(0_u128, |bits, nibble| bits << 4 | u128::from(*nibble));
    Some(if ok { Reverse::Of(Ipv6Addr::from_bits(bits).into()) } else { Reverse::Other })
}

/// What stands in front of a domain: nothing for the domain itself.
fn below<'a>(text: &'a str, domain: &str) -> Option<&'a str> {
    let rest = text.strip_suffix(domain)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_suffix('.') }
}

/// Reads labels, the last first, one into each place: whether there were as many, and all of them good.
fn fill(labels: &str, places: &mut [u8], read: impl Fn(&str) -> Option<u8>) -> bool {
    let mut labels = labels.rsplit('.');
    for place in places {
        match labels.next().and_then(&read) {
            Some(value) => *place = value,
            None => return false,
        }
    }
    labels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(bytes: &[u8]) -> Name<&[u8]> {
        Name::from_octets(bytes).unwrap()
    }

    #[test]
    fn a_text_is_one_name_and_no_other() {
        assert_eq!(text(&wire(b"\x03wWw\x07ExAmPlE\0")).unwrap(), "www.example");
        assert_eq!(text(&wire(b"\0")).unwrap(), "");
        assert_eq!(text(&wire(b"\x05_http\x04_tcp\0")).unwrap(), "_http._tcp");
        for odd in
            [&b"\x05a.b.c\0"[..], b"\x02a\n\0", b"\x02a \0", b"\x03a\\b\0", b"\x02\xc3\xa4\0"]
        {
            assert_eq!(text(&wire(odd)), None, "{odd:?}");
            assert!(!shown(&wire(odd)).contains(|sign: char| sign.is_control() || sign == ' '));
        }
        assert_eq!(shown(&wire(b"\x03a.b\x01c\0")), "a?b.c");
    }

    #[test]
    fn reverse_names_are_read() {
        let of = |text: &str| Some(Reverse::Of(text.parse().unwrap()));
        assert_eq!(reverse("4.3.2.1.in-addr.arpa"), of("1.2.3.4"));
        let six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(reverse(six), of("2001:db8::1"));
        for other in [
            "in-addr.arpa",
            "1.in-addr.arpa",
            "04.3.2.1.in-addr.arpa",
            "x.ip6.arpa",
            "5.4.3.2.1.in-addr.arpa",
        ] {
            assert_eq!(reverse(other), Some(Reverse::Other), "{other}");
        }
        for none in ["example.org", "xin-addr.arpa", "arpa", ""] {
            assert_eq!(reverse(none), None, "{none}");
        }
    }

    #[test]
    fn localhost_is_what_ends_so() {
        assert!(is_localhost("localhost") && is_localhost("a.localhost"));
        assert!(!is_localhost("notlocalhost") && !is_localhost("localhost.example"));
    }
}
