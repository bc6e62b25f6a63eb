//! X authority: the file that tells an X client its server's cookie.
//!
//! A file is a sequence of entries, each a 16-bit family and four byte strings (address, display
//! number, protocol name, data), every length a 16-bit number, all big-endian (libXau, `AuRead.c`).
//! Family 256 is “this host by name” and 65535 matches every address, which is what a sandbox with a
//! host name of its own needs.

use crate::error::Error;
use crate::runtime::random;

const FAMILY_LOCAL: u16 = 256;
const FAMILY_WILD: u16 = 65535;
/// The only protocol that local servers use.
pub(crate) const PROTOCOL: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// A cookie: whoever knows it may connect.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie(Vec<u8>);

impl Cookie {
    /// 128 new random bits.
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self(random::<16>()?.to_vec()))
    }

    /// The bytes that a client sends.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// An authority file with this one cookie, for one display number at every address.
    #[must_use]
    pub fn file(&self, number: u16) -> Vec<u8> {
        let mut file = FAMILY_WILD.to_be_bytes().to_vec();
        for part in [&b""[..], number.to_string().as_bytes(), PROTOCOL, &self.0] {
            // None of the parts comes near 64 KiB: the longest is a cookie that was read with such a length.
            file.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            file.extend_from_slice(part);
        }
        file
    }

    /// The cookie of a local display in an authority file. An entry for this host is preferred, then
    /// one for every address, then one for a host name that this machine had when it was written.
    /// What follows a truncated entry is not there.
    #[must_use]
    pub fn find(file: &[u8], number: u16, hostname: &[u8]) -> Option<Self> {
        let number = number.to_string();
        let rank = |entry: &Entry<'_>| match entry.family {
            FAMILY_LOCAL if entry.address == hostname => Some(0),
            FAMILY_WILD => Some(1),
            FAMILY_LOCAL => Some(2),
            _ => None,
        };
        Entries(file)
            .filter(|entry| entry.number.is_empty() || entry.number == number.as_bytes())
            .filter(|entry| entry.name == PROTOCOL)
            .filter_map(|entry| Some((rank(&entry)?, entry)))
            // The first of the best, as libXau takes it.
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, entry)| Self(entry.data.to_vec()))
    }
}

impl std::fmt::Debug for Cookie {
    /// Says nothing: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookie")
    }
}

struct Entry<'a> {
    family: u16,
    address: &'a [u8],
    number: &'a [u8],
    name: &'a [u8],
    data: &'a [u8],
}

/// The entries of a file, up to its end or the first that is cut off.
struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    fn short(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.short()?);
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        Some(Entry {
            family: self.short()?,
            address: self.string()?,
            number: self.string()?,
            name: self.string()?,
            data: self.string()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(family: u16, address: &str, number: &str, name: &str, data: &[u8]) -> Vec<u8> {
        let mut out = family.to_be_bytes().to_vec();
        for part in [address.as_bytes(), number.as_bytes(), name.as_bytes(), data] {
            out.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }

    const MIT: &str = "MIT-MAGIC-COOKIE-1";

    #[test]
    fn what_is_written_is_read() {
        let cookie = Cookie::random().unwrap();
        assert_eq!(cookie.bytes().len(), 16);
        let file = cookie.file(12);
        assert_eq!(Cookie::find(&file, 12, b"any"), Some(cookie));
        assert_eq!(Cookie::find(&file, 1, b"any"), None);
    }

    #[test]
    fn this_host_is_preferred_and_other_protocols_and_networks_do_not_count() {
        let file = [
            entry(0, "\x7f\0\0\x01", "0", MIT, b"internet"),
            entry(256, "me", "0", "XDM-AUTHORIZATION-1", b"xdm"),
            entry(256, "old", "0", MIT, b"old"),
            entry(65535, "", "", MIT, b"wild"),
            entry(256, "me", "10", MIT, b"ten"),
            entry(256, "me", "0", MIT, b"mine"),
            entry(256, "me", "0", MIT, b"second"),
        ]
        .concat();
        let found = |number, host: &[u8]| Cookie::find(&file, number, host).unwrap().0;
        assert_eq!(found(0, b"me"), b"mine");
        assert_eq!(found(0, b"new"), b"wild");
        assert_eq!(found(10, b"me"), b"ten");
        assert_eq!(found(3, b"me"), b"wild");
        assert_eq!(
            Cookie::find(&entry(256, "old", "0", MIT, b"old"), 0, b"new").unwrap().0,
            b"old"
        );
    }

    #[test]
    fn a_cut_file_gives_what_is_whole_and_never_panics() {
        let file =
            [entry(256, "me", "0", MIT, b"mine"), entry(256, "me", "1", MIT, b"one")].concat();
        for length in 0..file.len() {
            let cut = &file[..length];
            assert_eq!(Cookie::find(cut, 1, b"me"), None);
        }
        assert!(Cookie::find(&file, 1, b"me").is_some());
    }
}
