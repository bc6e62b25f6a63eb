//! The headers of a packet, as far as they say where it goes. Any bytes may be given.

use super::netlink::be16;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a packet comes from and goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// The number of its protocol.
    pub(super) protocol: u8,
    /// What stands where TCP and UDP have both ports: of ICMP the type and the code come first.
    pub(super) ports: Option<(u16, u16)>,
}

/// The most headers of extensions that are looked behind.
const EXTENSIONS: usize = 8;

/// Reads the headers of a packet of either family.
pub(super) fn headers(packet: &[u8]) -> Option<Headers> {
    match packet.first()? >> 4 {
        4 => v4(packet),
        6 => v6(packet),
        _ => None,
    }
}

fn v4(packet: &[u8]) -> Option<Headers> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    let fragment = packet.get(6..).and_then(be16)? & 0x1fff;
    let address = |at: usize| -> Option<IpAddr> {
        let bytes: &[u8; 4] = packet.get(at..)?.first_chunk()?;
        Some(Ipv4Addr::from_octets(*bytes).into())
    };
    Some(Headers {
        source: address(12)?,
        destination: address(16)?,
        protocol: *packet.get(9)?,
        ports: if fragment == 0 && length >= 20 { ports(packet.get(length..)) } else { None },
    })
}

fn v6(packet: &[u8]) -> Option<Headers> {
    let address = |at: usize| -> Option<IpAddr> {
        let bytes: &[u8; 16] = packet.get(at..)?.first_chunk()?;
        Some(Ipv6Addr::from_octets(*bytes).into())
    };
    let (source, destination) = (address(8)?, address(24)?);
    let (mut protocol, mut rest) = (*packet.get(6)?, packet.get(40..));
    for _ in 0..EXTENSIONS {
        let Some(header) = rest else { break };
        let (Some(next), Some(length)) = (header.first(), header.get(1)) else { break };
        let length = match protocol {
            // Options for routers and for the end, and routes.
            0 | 43 | 60 => (usize::from(*length) + 1) * 8,
            // A fragment: only the first has what comes then.
            44 if header.get(2..).and_then(be16).is_some_and(|place| place & 0xfff8 != 0) => {
                return Some(Headers { source, destination, protocol: *next, ports: None });
            }
            44 => 8,
            // Authentication.
            51 => (usize::from(*length) + 2) * 4,
            _ => break,
        };
        protocol = *next;
        rest = header.get(length..);
    }
    Some(Headers { source, destination, protocol, ports: ports(rest) })
}

fn ports(bytes: Option<&[u8]>) -> Option<(u16, u16)> {
    let bytes = bytes?;
    Some((be16(bytes)?, bytes.get(2..).and_then(be16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet4(protocol: u8, words: u8, fragment: u16) -> Vec<u8> {
        let mut packet = vec![0; usize::from(words.max(5)) * 4];
        packet[0] = 0x40 | words;
        packet[6..8].copy_from_slice(&fragment.to_be_bytes());
        packet[9] = protocol;
        packet[12..20].copy_from_slice(&[10, 0, 0, 1, 192, 0, 2, 1]);
        packet.extend([0x12, 0x34, 0, 53]);
        packet
    }

    fn packet6(next: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x60;
        packet[6] = next;
        packet[39] = 1;
        packet.extend(behind);
        packet
    }

    #[test]
    fn ports_are_found_behind_options_and_extensions() {
        for words in [5, 6, 15] {
            let headers = headers(&packet4(17, words, 0x4000)).unwrap();
            assert_eq!((headers.protocol, headers.ports), (17, Some((0x1234, 53))));
            assert_eq!(headers.destination, IpAddr::from([192, 0, 2, 1]));
        }
        assert_eq!(headers(&packet4(17, 5, 7)).unwrap().ports, None);
        assert_eq!(headers(&packet4(17, 4, 0)).unwrap().ports, None);
        let ports = [0x12, 0x34, 0, 53];
        let of = |next, behind: &[&[u8]]| {
            let headers = headers(&packet6(next, &behind.concat())).unwrap();
            (headers.protocol, headers.ports)
        };
        assert_eq!(of(6, &[&ports]), (6, Some((0x1234, 53))));
        assert_eq!(
            of(0, &[&[60, 0, 0, 0, 0, 0, 0, 0], &[17, 1], &[0; 14], &ports]),
            (17, Some((0x1234, 53)))
        );
        assert_eq!(of(44, &[&[17, 0, 0, 1, 0, 0, 0, 0], &ports]), (17, Some((0x1234, 53))));
        assert_eq!(of(44, &[&[17, 0, 0, 8, 0, 0, 0, 0], &ports]), (17, None));
    }

    #[test]
    fn a_packet_that_was_cut_is_no_trouble() {
        for whole in [packet4(6, 5, 0), packet6(0, &[43, 255, 0, 0]), packet6(0, &[0; 200])] {
            for length in 0..whole.len() {
                let _ = headers(&whole[..length]);
            }
        }
        assert_eq!(headers(&[]), None);
        assert_eq!(headers(&[0x50; 60]), None);
    }
}
