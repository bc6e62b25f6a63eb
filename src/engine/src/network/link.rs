//! The link that leads out of a sandbox's network: how it is found and moved, and what it is given there.

use super::netlink::{ACK, CREATE, EXCLUSIVE, Message, REQUEST, Writer, ne32, number};
use super::socket::Netlink;
use super::uplink::{
    AF_INET, AF_INET6, GETLINK, IFA_ADDRESS, IFA_LOCAL, LINK, MAIN, NEWADDR, NEWLINK, NEWROUTE,
    RTA_GATEWAY, RTA_OIF, Side, UNICAST, UNIVERSE, UP, Uplink, ask,
};
use crate::error::{Context as _, Error, Result};
use arkose_profile::net::OwnAddress;
use rustix::io::Errno;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// `IFLA_NET_NS_FD`, `IFLA_IFNAME`, `IFLA_LINKINFO` and in that `IFLA_INFO_KIND` of linux/if_link.h.
pub(super) const NET_NS_FD: u16 = 28;
pub(super) const IFNAME: u16 = 3;
pub(super) const LINK_INFO: u16 = 18;
pub(super) const INFO_KIND: u16 = 1;
/// `IFA_F_NODAD` of linux/if_addr.h: nobody else is on that link.
const NO_DAD: u8 = 0x02;
/// `RTA_DST`, `RTPROT_STATIC` and `RT_SCOPE_LINK` of linux/rtnetlink.h.
const RTA_DST: u16 = 1;
const STATIC: u8 = 4;
const ON_LINK: u8 = 253;

/// What the link is called that leads out of a sandbox's network.
pub(super) const NAME: &str = "net0";
/// The kind of a link whose packets a program carries.
const CARRIED: &str = "tun";

/// Moves a link from the network namespace of that socket into another, where it has our name.
pub(super) fn move_to(
    socket: &Netlink<OwnedFd>,
    index: u32,
    network: &OwnedFd,
) -> Result<(), Errno> {
    let mut message = Writer::new(NEWLINK, REQUEST | ACK, &link_header(index, 0));
    message.bytes(NET_NS_FD, &network.as_raw_fd().to_ne_bytes());
    message.text(IFNAME, NAME);
    send(socket, message)
}

/// Gives the link that was moved into this network namespace the addresses that it had where it came from,
/// with nobody but the router on the link. One of another kind than what a program of the user's makes goes
/// back to `users`: what the kernel does with some kinds at the end of a namespace is nothing that root should
/// have part in.
///
/// # Errors
/// When there is none, it is of another kind, or the kernel refuses.
pub fn adopt(uplink: &Uplink, users: &OwnedFd) -> Result<()> {
    let message = "the way out of the sandbox's network cannot be used";
    let socket = Netlink::open(None, 0).context(message)?;
    // There can be others: some kinds of tunnels have one in every namespace.
    let moved = |message: &Message<'_>| {
        let (index, kind) = named(message, NAME)?;
        Some((index, kind == Some(CARRIED)))
    };
    let links = ask(&socket, GETLINK, LINK, moved).context(message)?;
    let (index, is_carried) = *links.first().ok_or(Errno::NODEV).context(message)?;
    if !is_carried {
        move_to(&socket, index, users).context(message)?;
        return Err(Error::new(message));
    }
    let v4 = uplink.v4.map(|Side { address, gateway }| (address.into(), gateway.map(IpAddr::V4)));
    let v6 = uplink.v6.map(|Side { address, gateway }| (address.into(), gateway.map(IpAddr::V6)));
    let sides = || [v4, v6].into_iter().flatten();
    sides().try_for_each(|(own, _)| add_address(&socket, index, own)).context(message)?;
    bring_up(&socket, index).context(message)?;
    sides().try_for_each(|(own, router)| add_way(&socket, index, own, router)).context(message)
}

/// The index of a link with that name, and of what kind it is, where it is of one.
pub(super) fn named<'a>(message: &Message<'a>, name: &str) -> Option<(u32, Option<&'a str>)> {
    let (header, attributes) = message.split(LINK).filter(|_| message.kind == NEWLINK)?;
    let text = |bytes: &'a [u8]| str::from_utf8(bytes.strip_suffix(b"\0")?).ok();
    let is_it = attributes.get(IFNAME).and_then(text) == Some(name);
    let kind = attributes.inside(LINK_INFO).and_then(|info| info.get(INFO_KIND)).and_then(text);
    ne32(header.get(4..)?).filter(|_| is_it).map(|index| (index, kind))
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
