//! What really crosses the link, as the world's end of it sees it.

use crate::world::HARDWARE;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;

/// `ETH_P_ALL` of linux/if_ether.h, most significant byte first.
const ALL: u32 = (0x0003_u16).to_be() as u32;

/// Sees all packets of this network namespace.
pub(crate) struct Capture(OwnedFd);

/// A packet of the app's: its protocol, where it goes, and the first byte behind its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) protocol: u8,
    pub(crate) to: IpAddr,
    pub(crate) first: u8,
}

impl Capture {
    pub(crate) fn start() -> Self {
        let protocol = Protocol::from_raw(NonZeroU32::new(ALL).unwrap());
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kind = SocketType::RAW;
        Self(rustix::net::socket_with(AddressFamily::PACKET, kind, flags, Some(protocol)).unwrap())
    }

    /// What the app has sent since the last time.
    pub(crate) fn of_the_app(&self) -> Vec<Packet> {
        let mut packets = Vec::new();
        let mut buffer = vec![0; 65536];
        while let Ok((_, length)) =
            rustix::net::recv(&self.0, buffer.as_mut_slice(), RecvFlags::empty())
        {
            packets.extend(packet(&buffer[..length]));
        }
        packets
    }
}

/// A packet that came from the app's interface.
fn packet(frame: &[u8]) -> Option<Packet> {
    let (header, bytes) = frame.split_at_checked(14)?;
    if header[6..12] != HARDWARE {
        return None;
    }
    match u16::from_be_bytes([header[12], header[13]]) {
        0x0800 => {
            let length = usize::from(bytes[0] & 15) * 4;
            let to = <[u8; 4]>::try_from(&bytes[16..20]).unwrap();
            let first = bytes.get(length).copied().unwrap_or_default();
            Some(Packet { protocol: bytes[9], to: to.into(), first })
        }
        0x86dd => {
            let to = <[u8; 16]>::try_from(&bytes[24..40]).unwrap();
            Some(Packet { protocol: bytes[6], to: to.into(), first: bytes[40] })
        }
        // Who has an address of IPv4 (ARP) is only asked about what may be reached.
        0x0806 => None,
        other => panic!("{other:x}"),
    }
}
