//! One attempt to reach somebody, and what came of it.

use arkose_profile::net::{Protocol, Verdict};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto};
use std::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How long nothing has to come for a silence.
const SILENCE: Duration = Duration::from_millis(600);
/// What is refused is refused at once.
const AT_ONCE: Duration = Duration::from_millis(300);

/// An attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) protocol: Protocol,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Open,
    Refused,
    Silent,
}

impl Seen {
    /// How a verdict looks to an app.
    pub(crate) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Open,
            Verdict::Deny => Self::Refused,
            Verdict::Ask => Self::Silent,
        }
    }
}

/// `PROTOCOL,ADDRESS,PORT`.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.protocol, self.address, self.port)
    }
}

impl FromStr for Probe {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(',');
        let mut next = || words.next().ok_or(());
        Ok(Self {
            protocol: Protocol::parse(next()?).ok_or(())?,
            address: next()?.parse().map_err(drop)?,
            port: next()?.parse().map_err(drop)?,
        })
    }
}

impl FromStr for Seen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Open, Self::Refused, Self::Silent]
            .into_iter()
            .find(|seen| format!("{seen:?}") == text)
            .ok_or_else(|| text.to_owned())
    }
}

impl Probe {
    pub(crate) fn new(protocol: Protocol, address: &str, port: u16) -> Self {
        Self { protocol, address: address.parse().unwrap(), port }
    }

    /// Tries it.
    pub(crate) fn run(&self) -> Seen {
        let begin = Instant::now();
        let seen = match self.protocol {
            Protocol::Tcp => self.tcp(SILENCE),
            Protocol::Udp => self.udp(),
            Protocol::Icmp => self.ping(),
        };
        let took = begin.elapsed();
        assert!(seen != Seen::Refused || took < AT_ONCE, "{self} took {took:?}");
        seen
    }

    pub(crate) fn tcp(&self, patience: Duration) -> Seen {
        match TcpStream::connect_timeout(&SocketAddr::new(self.address, self.port), patience) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(SILENCE)).unwrap();
                stream.write_all(b"hello").unwrap();
                stream.read_exact(&mut [0; 5]).unwrap();
                Seen::Open
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Seen::Refused,
            Err(error) if error.kind() == ErrorKind::TimedOut => Seen::Silent,
            Err(error) => panic!("{self}: {error}"),
        }
    }

    fn udp(&self) -> Seen {
        let any: SocketAddr =
            if self.address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect((self.address, self.port)).unwrap();
        self.datagrams(socket.into(), b"hello")
    }

    fn ping(&self) -> Seen {
        let (family, protocol, kind) = match self.address {
            IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, 8),
            IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, 128),
        };
        let flags = SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(family, SocketType::DGRAM, flags, Some(protocol)).unwrap();
        rustix::net::connect(&socket, &SocketAddr::new(self.address, 0)).unwrap();
        self.datagrams(socket, &[kind, 0, 0, 0, 0, 0, 0, 1, b'h', b'i'])
    }

    /// Sends one and waits for another. What is dropped on its way out is an error of sending it, and
    /// what was refused is known by the one that follows.
    fn datagrams(&self, socket: OwnedFd, message: &[u8]) -> Seen {
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        let sent = rustix::io::write(&socket, message);
        assert!(matches!(sent, Ok(_) | Err(Errno::PERM)), "{self}: {sent:?}");
        let refused = socket.take_error().unwrap().and_then(|error| error.raw_os_error());
        match refused.map(Errno::from_raw_os_error) {
            Some(Errno::HOSTUNREACH | Errno::ACCESS) => return Seen::Refused,
            Some(error) => panic!("{self}: {error}"),
            None if sent.is_err() => return Seen::Silent,
            None => {}
        }
        match socket.recv(&mut [0; 2048]) {
            Ok(_) => Seen::Open,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Seen::Silent,
            Err(error) => panic!("{self}: {error}"),
        }
    }
}
