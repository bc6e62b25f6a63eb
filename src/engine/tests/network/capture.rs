//! What really crosses the link, as the world's end of it sees it.

use crate::world::APP;
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
        let kind = SocketType::DGRAM;
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

fn packet(bytes: &[u8]) -> Option<Packet> {
    let v4 = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap());
    let v6 = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&bytes[at..at + 16]).unwrap());
    let (from, packet) = match bytes.first()? >> 4 {
        4 if bytes.len() > 20 => {
            let length = usize::from(bytes[0] & 15) * 4;
            let first = bytes.get(length).copied().unwrap_or_default();
            (v4(12), Packet { protocol: bytes[9], to: v4(16), first })
        }
        6 if bytes.len() > 40 => {
            (v6(8), Packet { protocol: bytes[6], to: v6(24), first: bytes[40] })
        }
        // Of ARP there is nothing to see.
        _ => return None,
    };
    let others = [crate::world::HOST[0].parse().unwrap(), crate::world::HOST[1].parse().unwrap()];
    let apps = APP.map(|app| app.parse::<IpAddr>().unwrap());
    let local =
        matches!(from, IpAddr::V6(from) if from.is_unicast_link_local() || from.is_unspecified());
    ((apps.contains(&from) || local) && !others.contains(&from)).then_some(packet)
}
