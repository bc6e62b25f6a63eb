//! A link that is moved into a sandbox's network, and what it is given there.

use super::netlink::{ACK, CREATE, EXCLUSIVE, Message, REQUEST, Writer, ne32, number};
use super::socket::Netlink;
use super::uplink::{
    AF_INET, AF_INET6, GETLINK, IFA_ADDRESS, IFA_LOCAL, IS_LOOPBACK, LINK, MAIN, NEWADDR, NEWLINK,
    NEWROUTE, RTA_GATEWAY, RTA_OIF, Side, UNICAST, UNIVERSE, UP, Uplink, ask,
};
use crate::error::{Context as _, Result};
use arkose_profile::net::OwnAddress;
use rustix::io::Errno;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// `IFLA_NET_NS_FD` of linux/if_link.h.
const NET_NS_FD: u16 = 28;
/// `IFA_F_NODAD` of linux/if_addr.h: nobody else is on that link.
const NO_DAD: u8 = 0x02;
/// `RTA_DST`, `RTPROT_STATIC` and `RT_SCOPE_LINK` of linux/rtnetlink.h.
const RTA_DST: u16 = 1;
const STATIC: u8 = 4;
const ON_LINK: u8 = 253;

/// Moves a link from the network namespace of that socket into another.
pub(super) fn move_to(
    socket: &Netlink<OwnedFd>,
    index: u32,
    network: &OwnedFd,
) -> Result<(), Errno> {
    let mut message = Writer::new(NEWLINK, REQUEST | ACK, &link_header(index, 0));
    message.bytes(NET_NS_FD, &network.as_raw_fd().to_ne_bytes());
    send(socket, message)
}

/// Gives the one link of this network namespace that leads out the addresses that it had where it came from,
/// with nobody but the router on the link.
///
/// # Errors
/// When there is none, or the kernel refuses.
pub fn adopt(uplink: &Uplink) -> Result<()> {
    let message = "the way out of the sandbox's network cannot be used";
    let socket = Netlink::open(None, 0).context(message)?;
    let links = ask(&socket, GETLINK, LINK, leading_out).context(message)?;
    let index = *links.first().ok_or(Errno::NODEV).context(message)?;
    let v4 = uplink.v4.map(|Side { address, gateway }| (address.into(), gateway.map(IpAddr::V4)));
    let v6 = uplink.v6.map(|Side { address, gateway }| (address.into(), gateway.map(IpAddr::V6)));
    let sides = || [v4, v6].into_iter().flatten();
    sides().try_for_each(|(own, _)| add_address(&socket, index, own)).context(message)?;
    bring_up(&socket, index).context(message)?;
    sides().try_for_each(|(own, router)| add_way(&socket, index, own, router)).context(message)
}

/// The index of a link that is not loopback.
fn leading_out(message: &Message<'_>) -> Option<u32> {
    let (header, _) = message.split(LINK).filter(|_| message.kind == NEWLINK)?;
    let loopback = ne32(header.get(8..)?)? & IS_LOOPBACK != 0;
    ne32(header.get(4..)?).filter(|_| !loopback)
}

pub(super) fn bring_up(socket: &Netlink<OwnedFd>, index: u32) -> Result<(), Errno> {
    send(socket, Writer::new(NEWLINK, REQUEST | ACK, &link_header(index, UP)))
}

fn add_address(socket: &Netlink<OwnedFd>, index: u32, address: IpAddr) -> Result<(), Errno> {
    let flags = if address.is_ipv6() { NO_DAD } else { 0 };
    let header = [family(address), bits(address), flags, UNIVERSE];
    new_address(socket, index, address, header)
}

/// An address on a link that others are on, who may object to it.
pub(super) fn add_own_address(
    socket: &Netlink<OwnedFd>,
    index: u32,
    own: OwnAddress,
) -> Result<(), Errno> {
    let header = [family(own.address()), own.prefix(), 0, UNIVERSE];
    new_address(socket, index, own.address(), header)
}

fn new_address(
    socket: &Netlink<OwnedFd>,
    index: u32,
    address: IpAddr,
    header: [u8; 4],
) -> Result<(), Errno> {
    let mut header = header.to_vec();
    header.extend(index.to_ne_bytes());
    let mut message = Writer::new(NEWADDR, REQUEST | ACK | CREATE | EXCLUSIVE, &header);
    message.bytes(IFA_LOCAL, &octets(address));
    message.bytes(IFA_ADDRESS, &octets(address));
    send(socket, message)
}

/// A route to the router, and one through it to everybody; without a router, all are on the link.
fn add_way(
    socket: &Netlink<OwnedFd>,
    index: u32,
    own: IpAddr,
    router: Option<IpAddr>,
) -> Result<(), Errno> {
    let Some(router) = router else { return add_route(socket, index, own, None, None) };
    add_route(socket, index, own, Some(router), None)?;
    add_route(socket, index, own, None, Some(router))
}

/// A route through a router to everybody.
pub(super) fn add_router(
    socket: &Netlink<OwnedFd>,
    index: u32,
    router: IpAddr,
) -> Result<(), Errno> {
    add_route(socket, index, router, None, Some(router))
}

fn add_route(
    socket: &Netlink<OwnedFd>,
    index: u32,
    own: IpAddr,
    to: Option<IpAddr>,
    router: Option<IpAddr>,
) -> Result<(), Errno> {
    let length = to.map_or(0, bits);
    // IPv6 knows no scopes of routes.
    let scope = if router.is_some() || own.is_ipv6() { UNIVERSE } else { ON_LINK };
    let header = [family(own), length, 0, 0, MAIN, STATIC, scope, UNICAST, 0, 0, 0, 0];
    let mut message = Writer::new(NEWROUTE, REQUEST | ACK | CREATE | EXCLUSIVE, &header);
    for (kind, address) in [(RTA_DST, to), (RTA_GATEWAY, router)] {
        if let Some(address) = address {
            message.bytes(kind, &octets(address));
        }
    }
    message.bytes(RTA_OIF, &index.to_ne_bytes());
    send(socket, message)
}

/// `ifinfomsg`: of no kind in particular, with flags that are switched on.
pub(super) fn link_header(index: u32, flags: u32) -> Vec<u8> {
    let parts = [0, index, flags, flags];
    parts.iter().flat_map(|part| part.to_ne_bytes()).collect()
}

pub(super) fn send(socket: &Netlink<OwnedFd>, message: Writer) -> Result<(), Errno> {
    const ONLY: u32 = 1;
    let mut bytes = message.finish()?;
    number(&mut bytes, ONLY);
    socket.transact(&bytes, ONLY).map_err(|refused| refused.errno)
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
