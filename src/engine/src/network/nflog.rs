//! What the kernel tells of packets that were asked about and denied. Who reads it may be another process
//! than who opened it; what is read may be any bytes.

use super::judge::{ASKED, DENIED, LOGGED_BYTES};
use super::netlink::{ACK, Attributes, Messages, REQUEST, Writer, be16, be32};
use super::nft::{FAMILY_HEADER, Hook};
use super::packet::{Headers, headers};
use super::socket::Netlink;
use super::spec::{echo_request, protocol};
use crate::error::{Context as _, Result};
use crate::ids;
use arkose_profile::net::Protocol;
use rustix::io::Errno;
use rustix::net::netlink::NETFILTER;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// `NFNL_SUBSYS_ULOG` with `NFULNL_MSG_PACKET` and `NFULNL_MSG_CONFIG` of linux/netfilter/nfnetlink_log.h.
const PACKET: u16 = 4 << 8;
const CONFIG: u16 = PACKET | 1;

/// `enum nfulnl_attr_config`.
const CFG_CMD: u16 = 1;
const CFG_MODE: u16 = 2;
const CFG_QTHRESH: u16 = 5;
/// `NFULNL_CFG_CMD_BIND` and `NFULNL_COPY_PACKET`.
const BIND: u8 = 1;
const COPY_PACKET: u8 = 2;

/// `enum nfulnl_attr_type`.
const PACKET_HDR: u16 = 1;
const PAYLOAD: u16 = 9;
const UID: u16 = 11;

/// Why a packet is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was held back until somebody is asked.
    Asked,
    /// It was refused.
    Denied,
}

/// A packet that was told, by the flow that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// Why.
    pub told: Told,
    /// Whether it came to the app, in answer to one that it had sent: the rules have changed since.
    pub inbound: bool,
    /// By which protocol.
    pub protocol: Protocol,
    /// The address of the sandbox.
    pub source: IpAddr,
    /// The port of the app; 0 for an echo.
    pub source_port: u16,
    /// Where the flow goes.
    pub address: IpAddr,
    /// To which port; 0 for an echo.
    pub port: u16,
    /// Whose socket sent it, as the reader's user namespace calls them, if it was a socket's.
    pub uid: Option<u32>,
}

/// The socket that hears them.
#[derive(Debug)]
pub struct Log<Fd>(Netlink<Fd>);

impl Log<OwnedFd> {
    /// Opens it, for the network namespace that this process is in.
    pub(super) fn open() -> Result<Self> {
        let message = "what the rules for the network hold back cannot be heard";
        // Whoever gets it could have its rights used by a program that has some, and writes into it.
        let socket = ids::without_capabilities(|| Netlink::open(Some(NETFILTER), 0))?;
        let socket = socket.context(message)?;
        for group in [ASKED, DENIED] {
            let request = bind(group).context(message)?;
            socket.transact(&request, 0).map_err(|refused| refused.errno).context(message)?;
        }
        Ok(Self(socket))
    }

    /// Its descriptor, to be given to another process.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.0.into_fd()
    }
}

impl<Fd: AsFd> Log<Fd> {
    /// One that was opened before, perhaps by another process.
    pub fn new(fd: Fd) -> Self {
        Self(Netlink::of(fd))
    }

    /// What was told since; nothing when there is nothing. `lost` becomes true when some of it was lost, because
    /// it was more than was read.
    ///
    /// # Errors
    /// When the socket is of no use any more.
    pub fn receive(&self, lost: &mut bool) -> Result<Vec<Logged>> {
        let (mut buffer, mut all) = (Vec::new(), Vec::new());
        loop {
            match self.0.receive(&mut buffer) {
                Ok(Some(bytes)) => all.extend(logged(bytes)),
                Ok(None) => return Ok(all),
                Err(Errno::NOBUFS | Errno::MSGSIZE) => *lost = true,
                Err(errno) => return Err(errno).context("the kernel's log cannot be read"),
            }
            if all.len() >= MOST {
                return Ok(all);
            }
        }
    }
}

/// How many are read at once; who wants more asks again.
const MOST: usize = 1024;

impl<Fd: AsFd> AsFd for Log<Fd> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd()
    }
}

/// The message that makes a socket the one that hears a group.
fn bind(group: u16) -> Result<Vec<u8>, Errno> {
    let [high, low] = group.to_be_bytes();
    let mut to = Writer::new(CONFIG, REQUEST | ACK, &[0, 0, high, low]);
    to.bytes(CFG_CMD, &[BIND]);
    let [a, b, c, d] = LOGGED_BYTES.to_be_bytes();
    to.bytes(CFG_MODE, &[a, b, c, d, COPY_PACKET, 0]);
    // Each packet is told at once.
    to.be32(CFG_QTHRESH, 1);
    to.finish()
}

/// What is told in bytes that came from the kernel; what makes no sense is left out.
#[must_use]
pub fn logged(bytes: &[u8]) -> Vec<Logged> {
    let packets = Messages(bytes).filter(|message| message.kind == PACKET);
    let split = packets.filter_map(|message| message.split(FAMILY_HEADER));
    split.filter_map(|(header, attributes)| one(header, attributes)).collect()
}

fn one(header: &[u8], attributes: Attributes<'_>) -> Option<Logged> {
    let told = match be16(header.get(2..)?)? {
        ASKED => Told::Asked,
        DENIED => Told::Denied,
        _ => return None,
    };
    // The protocol of two bytes, and where it was told.
    let hook = *attributes.get(PACKET_HDR)?.get(2)?;
    let inbound = hook == Hook::Input as u8;
    let packet = headers(attributes.get(PAYLOAD)?)?;
    let protocol = protocol(packet.protocol)?;
    let (source_port, port) = match (protocol.has_ports(), packet.ports?) {
        (true, (from, to)) if inbound => (to, from),
        (true, ports) => ports,
        (false, (kind, _)) if is_echo(kind, inbound, packet.source.is_ipv6()) => (0, 0),
        // An error about a flow is no flow.
        (false, _) => return None,
    };
    let Headers { source, destination, .. } = packet;
    let (source, address) = if inbound { (destination, source) } else { (source, destination) };
    let uid = attributes.get(UID).and_then(be32);
    Some(Logged { told, inbound, protocol, source, source_port, address, port, uid })
}

/// Whether these are the type and the code of an echo, or of the answer to one.
fn is_echo(kind_and_code: u16, answer: bool, v6: bool) -> bool {
    let kind = match (answer, v6) {
        (false, _) => echo_request(v6),
        (true, true) => 129,
        (true, false) => 0,
    };
    kind_and_code == u16::from_be_bytes([kind, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(group: u16, hook: u8, packet: &[u8]) -> Vec<u8> {
        let [high, low] = group.to_be_bytes();
        let mut to = Writer::new(PACKET, 0, &[2, 0, high, low]);
        to.bytes(PACKET_HDR, &[8, 0, hook, 0]);
        to.be32(UID, 1000);
        to.bytes(PAYLOAD, packet);
        to.finish().unwrap()
    }

    fn packet(protocol: u8, source: [u8; 4], destination: [u8; 4], behind: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[9] = protocol;
        packet[12..16].copy_from_slice(&source);
        packet[16..20].copy_from_slice(&destination);
        packet.extend(behind);
        packet
    }

    const APP: [u8; 4] = [10, 0, 0, 2];
    const PEER: [u8; 4] = [192, 0, 2, 1];

    #[test]
    fn a_packet_is_told_by_its_flow() {
        let out = message(ASKED, 3, &packet(6, APP, PEER, &[0x80, 0, 1, 187]));
        let back = message(DENIED, 1, &packet(6, PEER, APP, &[1, 187, 0x80, 0]));
        let told = logged(&[out, back].concat());
        let expected = Logged {
            told: Told::Asked,
            inbound: false,
            protocol: Protocol::Tcp,
            source: APP.into(),
            source_port: 0x8000,
            address: PEER.into(),
            port: 443,
            uid: Some(1000),
        };
        assert_eq!(told, [expected, Logged { told: Told::Denied, inbound: true, ..expected }]);
    }

    #[test]
    fn of_icmp_only_an_echo_is_told() {
        let told = |hook, kind: u8| {
            let packet = packet(1, APP, PEER, &[kind, 0, 1, 2]);
            logged(&message(ASKED, hook, &packet)).first().map(|one| (one.protocol, one.port))
        };
        assert_eq!(told(3, 8), Some((Protocol::Icmp, 0)));
        assert_eq!(told(1, 0), Some((Protocol::Icmp, 0)));
        assert_eq!(told(3, 3), None);
        assert_eq!(told(1, 8), None);
    }

    #[test]
    fn bytes_without_sense_tell_nothing() {
        let whole = message(ASKED, 3, &packet(6, APP, PEER, &[0x80, 0, 1, 187]));
        for length in 0..whole.len() {
            let _ = logged(&whole[..length]);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut other = whole.clone();
                other[at] = value;
                let _ = logged(&other);
            }
        }
        assert!(logged(&message(3, 3, &packet(6, APP, PEER, &[0; 4]))).is_empty());
    }
}
