//! Which connections there are: what the kernel remembers of flows, so that their other packets need not be
//! judged. It is read over the same socket as the rules are loaded.

use super::netlink::{Attributes, DUMP, REQUEST, Writer, be16, be32};
use super::nft::FAMILY_HEADER;
use super::socket::Netlink;
use super::spec::protocol;
use crate::error::{Context as _, Result};
use arkose_profile::net::Protocol;
use arkose_protocol::Connection;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

/// `NFNL_SUBSYS_CTNETLINK` with `IPCTNL_MSG_CT_GET`, and with `IPCTNL_MSG_CT_NEW`, which tells of one.
const GET: u16 = 0x101;
const ENTRY: u16 = 0x100;

/// `CTA_TUPLE_ORIG` of linux/netfilter/nfnetlink_conntrack.h, and so on.
const ORIGINAL: u16 = 1;
const STATE: u16 = 4;
const MARK: u16 = 8;
/// `CTA_TUPLE_IP` and `CTA_TUPLE_PROTO`, and what is in them.
const ADDRESSES: u16 = 1;
const PORTS: u16 = 2;
const TO_V4: u16 = 2;
const TO_V6: u16 = 4;
const NUMBER: u16 = 1;
const TO_PORT: u16 = 3;
/// `CTA_PROTOINFO_TCP` and `CTA_PROTOINFO_TCP_STATE`.
const STREAM: u16 = 1;
const STREAM_STATE: u16 = 1;
/// `TCP_CONNTRACK_LAST_ACK`, `_TIME_WAIT` and `_CLOSE`: both sides have said that they say no more.
const ENDED: [u8; 3] = [6, 7, 8];

/// Reads all of them. What never came to the rules, as on the loopback, is not told.
pub(super) fn read<Fd: AsFd>(socket: &Netlink<Fd>) -> Result<Vec<Connection>> {
    let message = "the connections of the app cannot be read";
    // Of every family.
    let request = Writer::new(GET, REQUEST | DUMP, &[0; FAMILY_HEADER]).finish();
    let list = socket.dump(&request.context(message)?, |message, list| {
        if message.kind == ENTRY
            && let Some((_, attributes)) = message.split(FAMILY_HEADER)
        {
            list.extend(connection(attributes));
        }
    });
    list.context(message)
}

fn connection(of: Attributes<'_>) -> Option<Connection> {
    // As the rules wrote it: in the order of this machine, which netlink turns around.
    let generation = of.get(MARK).and_then(be32).filter(|mark| *mark != 0)?;
    let flow = of.inside(ORIGINAL)?;
    let ports = flow.inside(PORTS)?;
    let protocol = protocol(*ports.get(NUMBER)?.first()?)?;
    let state = || of.inside(STATE)?.inside(STREAM)?.get(STREAM_STATE)?.first();
    if protocol == Protocol::Tcp && state().is_none_or(|state| ENDED.contains(state)) {
        return None;
    }
    let port = if protocol.has_ports() { be16(ports.get(TO_PORT)?)? } else { 0 };
    Some(Connection { address: address(flow.inside(ADDRESSES)?)?, protocol, port, generation })
}

fn address(of: Attributes<'_>) -> Option<IpAddr> {
    let v4 = || Some(Ipv4Addr::from_octets(*of.get(TO_V4)?.first_chunk()?).into());
    let v6 = || Some(Ipv6Addr::from_octets(*of.get(TO_V6)?.first_chunk()?).into());
    v4().or_else(v6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::netlink::Messages;

    fn told(state: u8, mark: u32) -> Vec<u8> {
        let mut to = Writer::new(ENTRY, 0, &[2, 0, 0, 0]);
        to.nested(ORIGINAL, |flow| {
            flow.nested(ADDRESSES, |addresses| addresses.bytes(TO_V4, &[192, 0, 2, 1]));
            flow.nested(PORTS, |ports| {
                ports.bytes(NUMBER, &[6]);
                ports.be16(TO_PORT, 443);
            });
        });
        to.nested(STATE, |all| all.nested(STREAM, |one| one.bytes(STREAM_STATE, &[state])));
        to.be32(MARK, mark);
        to.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Vec<Connection> {
        let split = Messages(bytes).filter_map(|message| message.split(FAMILY_HEADER));
        split.filter_map(|(_, attributes)| connection(attributes)).collect()
    }

    #[test]
    fn what_has_begun_and_not_ended_is_read_and_what_makes_no_sense_is_left_out() {
        let address = Ipv4Addr::new(192, 0, 2, 1).into();
        let one = Connection { address, protocol: Protocol::Tcp, port: 443, generation: 3 };
        assert_eq!(read(&told(3, 3)), [one]);
        assert!(ENDED.iter().all(|state| read(&told(*state, 3)).is_empty()));
        assert_eq!(read(&told(3, 0)), []);
        let whole = told(3, 3);
        for at in 0..whole.len() {
            let _ = read(&whole[..at]);
            for value in 0..=u8::MAX {
                let mut other = whole.clone();
                other[at] = value;
                assert!(read(&other).len() < 2);
            }
        }
    }
}
