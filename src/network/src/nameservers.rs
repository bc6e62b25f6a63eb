//! The host's nameservers, as `/etc/resolv.conf` names them (resolv.conf(5)), read anew when it has
//! changed.
//!
//! Search domains are the app's own matter: what it asks is a whole name. They are read for whoever
//! writes the file that the app sees.

use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PORT: u16 = 53;
/// The most servers that are used, and the most domains that are searched.
const MOST: usize = 6;
/// The most bytes of the file.
const LARGEST: u64 = 1 << 16;
/// How long a file is believed to be the same.
const FRESH: Duration = Duration::from_secs(1);
/// How long a server that did not answer is asked after the others.
const SULKING: Duration = Duration::from_secs(30);

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// Whom to ask, in this order.
    pub servers: Vec<SocketAddr>,
    /// Where a name without a dot is looked for.
    pub search: Vec<String>,
    /// How many dots make a name whole.
    pub ndots: u8,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How often each server is asked.
    pub attempts: u32,
    /// Whether each question begins with another server.
    pub rotate: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
        }
    }
}

impl Conf {
    /// Reads the text of the file. What is not known is passed over, as the C library does.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") if conf.servers.len() < MOST => {
                    conf.servers.extend(words.next().and_then(server));
                }
                Some("search" | "domain") => {
                    let domains = words.map(|word| word.trim_end_matches('.').to_ascii_lowercase());
                    conf.search = domains.filter(|word| !word.is_empty()).take(MOST).collect();
                }
                Some("options") => words.for_each(|word| conf.option(word)),
                _ => {}
            }
        }
        if conf.servers.is_empty() {
            conf.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    fn option(&mut self, word: &str) {
        let (key, value) = word.split_once(':').unwrap_or((word, ""));
        // The limits are the C library's.
        match (key, value.parse::<u32>()) {
            ("ndots", Ok(value)) => self.ndots = u8::try_from(value.min(15)).unwrap_or(15),
            ("timeout", Ok(value)) => self.timeout = Duration::from_secs(value.clamp(1, 30).into()),
            ("attempts", Ok(value)) => self.attempts = value.clamp(1, 5),
            ("rotate", _) => self.rotate = true,
            _ => {}
        }
    }
}

/// One server; an address of one link may name it.
fn server(word: &str) -> Option<SocketAddr> {
    if let Some((address, link)) = word.split_once('%') {
        let address = address.parse().ok()?;
        return Some(SocketAddrV6::new(address, PORT, 0, index(link)?).into());
    }
    let address: IpAddr = word.parse().ok()?;
    Some((address, PORT).into())
}

fn index(link: &str) -> Option<u32> {
    if let Ok(number) = link.parse() {
        return Some(number);
    }
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
    name_to_index(any, link).ok()
}

/// What tells one state of a file from another.
type Stamp = (u64, u64, u64, i64, i64);

/// The servers, with what is known of them.
#[derive(Debug)]
pub struct Nameservers {
    /// The file, where there is one that says it.
    path: Option<PathBuf>,
    stamp: Option<Stamp>,
    looked: Option<Instant>,
    conf: Conf,
    sulking: Vec<(SocketAddr, Instant)>,
    turn: usize,
}

impl Nameservers {
    /// Those in a file.
    #[must_use]
    pub fn in_file(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::fixed(Conf::parse("")) }
    }

    /// These.
    #[must_use]
    pub fn fixed(conf: Conf) -> Self {
        Self { path: None, stamp: None, looked: None, conf, sulking: Vec::new(), turn: 0 }
    }

    /// The file, where there is one that says it.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is said now. While there is no file, as when another takes its place, it is what was said
    /// last.
    pub fn conf(&mut self, now: Instant) -> &Conf {
        let fresh = self.looked.is_some_and(|at| now.saturating_duration_since(at) < FRESH);
        if let Some(path) = self.path.as_ref().filter(|_| !fresh) {
            self.looked = Some(now);
            let stamp = stamp(path);
            if stamp != self.stamp && (stamp.is_some() || self.stamp.is_none()) {
                self.conf = Conf::parse(&read(path));
                self.sulking.clear();
                self.stamp = stamp;
            }
        }
        &self.conf
    }

    /// Whom to ask one question, and how long each time; those that did not answer lately come last.
    pub fn tries(&mut self, now: Instant) -> Vec<(SocketAddr, Duration)> {
        self.sulking.retain(|(_, until)| *until > now);
        let Conf { mut servers, timeout, attempts, rotate, .. } = self.conf(now).clone();
        if rotate && !servers.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            let count = servers.len();
            servers.rotate_left(self.turn % count);
        }
        servers.sort_by_key(|server| self.sulking.iter().any(|(sulking, _)| sulking == server));
        // The app waits as long as its own library does, and is to hear of the last of them as well.
        let first = timeout / u32::try_from(servers.len()).unwrap_or(1).max(1);
        let waits = std::iter::once(first).chain(std::iter::repeat(timeout));
        let rounds = waits.take(usize::try_from(attempts).unwrap_or(1));
        rounds.flat_map(|wait| servers.iter().map(move |server| (*server, wait))).collect()
    }

    /// A server did not answer, or did.
    pub fn answered(&mut self, server: SocketAddr, answered: bool, now: Instant) {
        self.sulking.retain(|(sulking, _)| *sulking != server);
        if !answered && self.sulking.len() < MOST {
            self.sulking.push((server, now + SULKING));
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.dev(), data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
}

fn read(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    // Without the file it is as if it were empty.
    let _ = std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_the_c_library_reads_it() {
        let conf = Conf::parse(
            "# nameserver 9.9.9.9\nnameserver 192.0.2.1\nnameserver fe80::1%1\nnameserver nonsense\n\
             search Example.ORG. corp.example\noptions ndots:2 timeout:900 attempts:9 rotate edns0 trust-ad\n",
        );
        let servers: Vec<String> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[fe80::1%1]:53"]);
        assert_eq!(conf.search, ["example.org", "corp.example"]);
        assert_eq!((conf.ndots, conf.attempts, conf.rotate), (2, 5, true));
        assert_eq!(conf.timeout, Duration::from_secs(30));
        assert_eq!(Conf::parse("").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn who_did_not_answer_is_asked_last_for_a_while() {
        let now = Instant::now();
        let conf = Conf::parse("nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:4");
        let (one, two) = (conf.servers[0], conf.servers[1]);
        let mut servers = Nameservers::fixed(conf);
        let seconds = Duration::from_secs;
        let first = [(one, seconds(2)), (two, seconds(2)), (one, seconds(4)), (two, seconds(4))];
        assert_eq!(servers.tries(now), first);
        servers.answered(one, false, now);
        assert_eq!(servers.tries(now)[0].0, two);
        assert_eq!(servers.tries(now + SULKING)[0].0, one);
        servers.answered(one, false, now);
        servers.answered(one, true, now);
        assert_eq!(servers.tries(now)[0].0, one);
    }

    #[test]
    fn a_file_that_changed_is_read_again() {
        let path = std::env::temp_dir().join(format!("arkose-network-{}", std::process::id()));
        let (now, mut servers) = (Instant::now(), Nameservers::in_file(path.clone()));
        assert_eq!(servers.conf(now).servers, ["127.0.0.1:53".parse().unwrap()]);
        std::fs::write(&path, "nameserver 192.0.2.7\n").unwrap();
        assert_eq!(servers.conf(now).servers, ["127.0.0.1:53".parse().unwrap()]);
        let servers = servers.conf(now + FRESH).servers.clone();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(servers, ["192.0.2.7:53".parse().unwrap()]);
    }
}
