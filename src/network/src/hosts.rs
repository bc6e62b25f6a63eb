//! What the host knows by itself: its `/etc/hosts` (hosts(5)), and the names of its own loopback.
//!
//! The file is read for each question, as the C library does: it is seldom more than a few lines, and
//! where somebody keeps a hundred thousand there, they are not all held in memory for every sandbox.

use crate::name::{self, Plain, Reverse};
use crate::query::Question;
use crate::reply::Known;
use domain::base::iana::Rtype;
use domain::base::{Name, ToName as _};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// The most bytes of the file, and of a line.
const LARGEST: u64 = 16 << 20;
/// The most addresses of a name, or names of an address.
const MOST: usize = 64;

/// The file.
#[derive(Debug)]
pub struct Hosts {
    path: PathBuf,
}

impl Hosts {
    /// Reads that file.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The addresses of a name; none when the file does not have it.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let mut found: Option<Vec<IpAddr>> = None;
        self.each(|address, names| {
            let mut names = names.split_ascii_whitespace();
            if names.any(|one| one.trim_end_matches('.').eq_ignore_ascii_case(name)) {
                let found = found.get_or_insert_default();
                if found.len() < MOST && !found.contains(&address) {
                    found.push(address);
                }
            }
        });
        found
    }

    /// The names of an address.
    #[must_use]
    pub fn names(&self, wanted: IpAddr) -> Vec<String> {
        let mut found = Vec::new();
        self.each(|address, names| {
            if address == wanted && found.len() < MOST {
                found.extend(names.split_ascii_whitespace().next().map(str::to_owned));
            }
        });
        found
    }

    fn each(&self, mut act: impl FnMut(IpAddr, &str)) {
        let Ok(file) = File::open(&self.path) else { return };
        let mut reader = BufReader::new(file.take(LARGEST));
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if let Ok(text) = str::from_utf8(&line) {
                let text = text.split('#').next().unwrap_or_default().trim_ascii();
                let (address, names) = text.split_once([' ', '\t']).unwrap_or_default();
                if let Ok(address) = address.parse() {
                    act(address, names);
                }
            }
            line.clear();
        }
    }
}

/// The answer to a question about the loopback, which is everybody's own: none for other names.
#[must_use]
pub fn loopback(text: &str, question: &Question) -> Option<Vec<Known>> {
    if name::is_localhost(text) {
        let address = match question.kind {
            Rtype::A => Known::Address(Ipv4Addr::LOCALHOST.into()),
            Rtype::AAAA => Known::Address(Ipv6Addr::LOCALHOST.into()),
            _ => return Some(Vec::new()),
        };
        return Some(vec![address]);
    }
    let Reverse::Of(address) = name::reverse(text)? else { return None };
    address.is_loopback().then(|| match question.kind {
        Rtype::PTR => pointer("localhost").into_iter().collect(),
        _ => Vec::new(),
    })
}

/// A record of a name, if the text is one.
#[must_use]
pub fn pointer(text: &str) -> Option<Known> {
    let name: Plain = Name::vec_from_str(text).ok()?;
    Some(Known::Name(name.to_canonical_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_looked_through() {
        let path = std::env::temp_dir().join(format!("arkose-hosts-{}", std::process::id()));
        let text = b"127.0.0.1 localhost\n192.0.2.1\tNas.example nas # disk\n#192.0.2.9 nas\n\
                    2001:db8::1 nas\nnonsense nas\n192.0.2.3\n\xff nas\n";
        std::fs::write(&path, text).unwrap();
        let hosts = Hosts::new(path.clone());
        let nas: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(hosts.addresses("nas").unwrap(), nas);
        assert_eq!(hosts.addresses("nas.example").unwrap(), nas[..1]);
        assert_eq!(hosts.addresses("disk"), None);
        assert_eq!(hosts.names(nas[0]), ["Nas.example"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(hosts.addresses("nas"), None);
    }
}
