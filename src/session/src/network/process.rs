//! Which process in a sandbox began a connection, as far as that can be told.
//!
//! The kernel says from which port a packet came. Its table of the sandbox's sockets says which one has that
//! port, and the descriptors of the processes in there who holds it. It is a guess about an app that can change all
//! of it in the meantime, name its processes as it likes, and make a great many of them: what is looked at has
//! bounds, and nothing is decided by what is found.

use super::scopes::Asked;
use crate::running::Processes;
use arkose_profile::net::Protocol;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most bytes of a table of sockets.
const MOST_BYTES: u64 = 1 << 20;
/// The most processes.
const MOST_PROCESSES: usize = 256;
/// The most descriptors, of all of them.
const MOST_DESCRIPTORS: usize = 8192;

/// Where a question comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The first process of the sandbox.
    pub(super) first: i32,
    pub(super) asked: Asked,
}

impl Origin {
    /// What the process calls itself that holds the socket; none where there is none, or processes with different
    /// names share it.
    pub(crate) fn process(&self) -> Option<String> {
        let socket = format!("socket:[{}]", inode(self.first, &self.asked)?);
        let (processes, mut left) = (Processes::now(), MOST_DESCRIPTORS);
        let mut names = BTreeSet::new();
        for process in processes.below(self.first).into_iter().take(MOST_PROCESSES) {
            if holds(process.pid, &socket, &mut left) {
                names.insert(process.name.as_str());
            }
        }
        let name = names.pop_first()?;
        names.is_empty().then(|| name.to_owned())
    }
}

/// Whether a process has a descriptor of that kind; `left` is how many are still looked at.
fn holds(pid: i32, socket: &str, left: &mut usize) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    descriptors.into_iter().flatten().flatten().any(|entry| {
        let looked_at = *left > 0;
        *left = left.saturating_sub(1);
        looked_at && fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == socket)
    })
}

/// The number of the socket from which it came.
fn inode(first: i32, asked: &Asked) -> Option<u64> {
    let tables = match asked.protocol {
        Protocol::Tcp => ["tcp", "tcp6"],
        Protocol::Udp => ["udp", "udp6"],
        Protocol::Icmp => return None,
    };
    tables.iter().find_map(|table| {
        let mut text = String::new();
        let file = File::open(format!("/proc/{first}/net/{table}")).ok()?;
        file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
        text.lines().filter_map(Socket::parse).find(|socket| socket.sent(asked))?.inode()
    })
}

/// A line of such a table (proc_net_tcp.rst of the kernel).
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    from: u16,
    to: (IpAddr, u16),
    inode: u64,
}

impl Socket {
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, from) = end(fields.get(1)?)?;
        let inode = fields.get(9)?.parse().ok()?;
        Some(Self { from, to: end(fields.get(2)?)?, inode })
    }

    /// Whether it is the one that sent what is asked about; who sends without connecting has no other end.
    fn sent(&self, asked: &Asked) -> bool {
        let (address, port) = self.to;
        let connected = (address, port) == (asked.address, asked.port);
        self.from == asked.from && (connected || (address.is_unspecified() && port == 0))
    }

    /// Its number; one that no process holds any more has none.
    fn inode(&self) -> Option<u64> {
        (self.inode > 0).then_some(self.inode)
    }
}

/// An end of a connection: an address, in words of the machine's order of bytes, and a port.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let words: Option<Vec<[u8; 4]>> = address.as_bytes().chunks(8).map(word).collect();
    let address = match words?.as_slice() {
        [one] => Ipv4Addr::from(*one).into(),
        [a, b, c, d] => {
            let bytes: [u8; 16] = [*a, *b, *c, *d].concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

fn word(digits: &[u8]) -> Option<[u8; 4]> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 8)?;
    Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_process_that_holds_a_socket_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let line = |from: u16| {
            let to = listener.local_addr().unwrap();
            let line = serde_json::json!({ "address": to.ip(), "protocol": "tcp", "port": to.port(),
                "source_port": from });
            Asked::read(line.as_object().unwrap()).unwrap()
        };
        let own = std::process::id().cast_signed();
        let inode = inode(own, &line(stream.local_addr().unwrap().port())).unwrap();
        assert!(holds(own, &format!("socket:[{inode}]"), &mut 1000));
        assert!(!holds(own, &format!("socket:[{inode}]"), &mut 0));
        assert_eq!(super::inode(own, &line(1)), None);
    }

    #[test]
    fn tables_of_both_families_are_read() {
        let old = "   1: 0100A8C0:C350 0107212D:01BB 02 00000000:00000000 01:00000000 00000000  1000        0 4711 1";
        let read = Socket::parse(old);
        if cfg!(target_endian = "little") {
            let to = (IpAddr::from([45, 33, 7, 1]), 443);
            assert_eq!(read, Some(Socket { from: 50000, to, inode: 4711 }));
            let mapped = "0000000000000000FFFF00000107212D:01BB";
            assert_eq!(end(mapped), Some(to));
        }
        for wrong in ["", "  sl  local_address rem_address", "0: 1:1 2:2", "0: :1 :2 3 4 5 6 7 8 9"]
        {
            assert_eq!(Socket::parse(wrong), None, "{wrong}");
        }
    }
}
