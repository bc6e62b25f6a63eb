//! Waiting for the uplink: an interface that somebody outside puts into the network namespace, or makes
//! there. The kernel tells when something changes, and then all is looked at again.

use super::link;
use super::netlink::{DUMP, Message, REQUEST, Writer, ne32};
use super::socket::Netlink;
use super::zone::Given;
use crate::error::{Context as _, Error, Result};
use crate::sys;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// `RTMGRP_LINK`, and of both families `RTMGRP_*_IFADDR` and `RTMGRP_*_ROUTE`, of linux/rtnetlink.h.
pub(super) const NEWLINKS: u32 = 0x1;
const GROUPS: u32 = NEWLINKS | 0x10 | 0x40 | 0x100 | 0x400;

/// `RTM_NEWLINK` and `RTM_GETLINK`, and so on.
pub(super) const NEWLINK: u16 = 16;
pub(super) const GETLINK: u16 = 18;
pub(super) const NEWADDR: u16 = 20;
const GETADDR: u16 = 22;
pub(super) const NEWROUTE: u16 = 24;
const GETROUTE: u16 = 26;

/// The lengths of `ifinfomsg`, `ifaddrmsg` and `rtmsg`.
pub(super) const LINK: usize = 16;
const ADDRESS: usize = 8;
const ROUTING: usize = 12;

/// `IFF_UP`, `IFF_LOOPBACK` and `IFF_RUNNING` of linux/if.h.
pub(super) const UP: u32 = 0x1;
const IS_LOOPBACK: u32 = 0x8;
const RUNNING: u32 = 0x40;

/// `IFA_ADDRESS`, `IFA_LOCAL` and `IFA_FLAGS` of linux/if_addr.h.
pub(super) const IFA_ADDRESS: u16 = 1;
pub(super) const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// `IFA_F_DADFAILED` and `IFA_F_TENTATIVE`: another may have it as well.
const TAKEN: u32 = 0x08;
const NOT_YET: u32 = TAKEN | 0x40;

/// `RTA_OIF`, `RTA_GATEWAY`, `RTA_TABLE` and `RT_TABLE_MAIN` of linux/rtnetlink.h.
pub(super) const RTA_OIF: u16 = 4;
pub(super) const RTA_GATEWAY: u16 = 5;
const RTA_TABLE: u16 = 15;
pub(super) const MAIN: u8 = 254;
/// `AF_INET` and `AF_INET6`.
pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;
/// `RTN_UNICAST` and `RT_SCOPE_UNIVERSE`.
pub(super) const UNICAST: u8 = 1;
pub(super) const UNIVERSE: u8 = 0;

/// The way out of a network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uplink {
    /// The index of its interface.
    pub index: u32,
    /// Of IPv4, if it has that.
    pub v4: Option<Side<Ipv4Addr>>,
    /// Of IPv6, if it has that and the address is settled.
    pub v6: Option<Side<Ipv6Addr>>,
}

/// What it has of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<A> {
    /// The first address.
    pub address: A,
    /// The router that the default route leads to, if it names one.
    pub gateway: Option<A>,
}

impl Uplink {
    /// The routers of both families.
    #[must_use]
    pub fn gateways(&self) -> Vec<IpAddr> {
        let v4 = self.v4.and_then(|side| side.gateway).map(IpAddr::V4);
        let v6 = self.v6.and_then(|side| side.gateway).map(IpAddr::V6);
        v4.into_iter().chain(v6).collect()
    }
}

/// All addresses of interfaces of the network namespace that this process is in, whoever may use them, but
/// for those of the loopback interface. In that of the computer, they are those by which it is reached.
///
/// # Errors
/// When the kernel does not say it.
pub fn local_addresses() -> Result<Vec<IpAddr>> {
    let message = "the addresses of this computer cannot be read";
    let socket = Netlink::open(None, 0).context(message)?;
    let all = ask(&socket, GETADDR, ADDRESS, any_address).context(message)?;
    Ok(all.into_iter().filter(|address| !address.is_loopback()).collect())
}

/// Whether default routes lead out of the network namespace that this process is in, by IPv4 and by IPv6.
///
/// # Errors
/// When the kernel does not say it.
pub fn default_routes() -> Result<[bool; 2]> {
    let message = "the routes of this computer cannot be read";
    let socket = Netlink::open(None, 0).context(message)?;
    let routes = ask(&socket, GETROUTE, ROUTING, default_route).context(message)?;
    Ok([false, true].map(|v6| routes.iter().any(|route| route.family.is_ipv6() == v6)))
}

/// Switches the loopback interface of this network namespace on.
///
/// # Errors
/// When this process has no right to it.
pub fn bring_loopback_up() -> Result<()> {
    sys::bring_loopback_up().context("the sandbox's own network cannot be started")
}

/// How much longer is waited for the other family where both are expected: who makes a way out gives it one
/// address after the other, and may be slow on a machine that has much to do.
const OTHER: Duration = Duration::from_secs(2);

/// Waits until an interface is up and has an address that others can reach, and a default route leads
/// out of it, in one family at least; and a moment for the other one, where `both` are expected. It is given
/// up when the other end of `alive` is closed.
///
/// # Errors
/// When there is none by then, or it was given up.
pub fn wait_for_uplink(
    deadline: Instant,
    both: bool,
    alive: Option<BorrowedFd<'_>>,
) -> Result<Uplink> {
    Lookout::open()?.wait_for_uplink(deadline, both, alive)
}

pub(super) const MESSAGE: &str = "the way out of the sandbox's network cannot be waited for";

/// Sees what becomes of the links of the network namespace in which it was opened, from wherever it is used.
#[derive(Debug)]
pub struct Lookout {
    changes: Netlink<OwnedFd>,
    state: Netlink<OwnedFd>,
}

impl Lookout {
    /// In the network namespace that this process is in.
    ///
    /// # Errors
    /// When the kernel gives no sockets.
    pub fn open() -> Result<Self> {
        let changes = Netlink::open(None, GROUPS).context(MESSAGE)?;
        let state = Netlink::open(None, 0).context(MESSAGE)?;
        Ok(Self { changes, state })
    }

    /// As [`wait_for_uplink()`], where this looks.
    ///
    /// # Errors
    /// When there is none by then, or it was given up.
    pub fn wait_for_uplink(
        &self,
        deadline: Instant,
        both: bool,
        alive: Option<BorrowedFd<'_>>,
    ) -> Result<Uplink> {
        let (mut buffer, mut enough) = (Vec::new(), None::<Instant>);
        loop {
            self.changes.drain(&mut buffer);
            // What changes from here on is told.
            let found = look(&self.state).context(MESSAGE)?;
            let now = Instant::now();
            let until = match found {
                Some(uplink) if !both || uplink.v4.is_some() && uplink.v6.is_some() => {
                    return Ok(uplink);
                }
                Some(uplink) if enough.is_some_and(|enough| enough <= now) => return Ok(uplink),
                Some(_) => (*enough.get_or_insert(now + OTHER)).min(deadline),
                None => deadline,
            };
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return found
                    .ok_or_else(|| Error::new("the sandbox's network got no way out in time"));
            }
            if wait(&self.changes, left, alive).context(MESSAGE)? {
                return Err(Error::new("the sandbox's network is not waited for any more"));
            }
        }
    }

    /// The addresses of all links there that everybody may use. What changes after it is waited for.
    pub(super) fn addresses(&self) -> Result<Vec<Given>> {
        self.changes.drain(&mut Vec::new());
        ask(&self.state, GETADDR, ADDRESS, given).context(MESSAGE)
    }

    /// Waits for a change; whether the other end of `alive` is closed.
    pub(super) fn wait(&self, left: Duration, alive: Option<BorrowedFd<'_>>) -> Result<bool> {
        wait(&self.changes, left, alive).context(MESSAGE)
    }

    /// Moves a link from where this looks into another network namespace.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn move_link(&self, index: u32, network: &OwnedFd) -> Result<()> {
        link::move_to(&self.state, index, network).context(MESSAGE)
    }
}

/// Waits for a change; whether the other end of `alive` is closed.
pub(super) fn wait(
    changes: &Netlink<OwnedFd>,
    left: Duration,
    alive: Option<BorrowedFd<'_>>,
) -> Result<bool, Errno> {
    let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
    let mut fds = vec![PollFd::from_borrowed_fd(changes.fd(), PollFlags::IN)];
    // Only its end is of interest, which is told in any case.
    fds.extend(alive.map(|alive| PollFd::from_borrowed_fd(alive, PollFlags::empty())));
    match rustix::event::poll(&mut fds, Some(&left)) {
        Ok(_) => Ok(fds.get(1).is_some_and(|alive| !alive.revents().is_empty())),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The way out that there is now.
fn look(socket: &Netlink<OwnedFd>) -> Result<Option<Uplink>, Errno> {
    let links = ask(socket, GETLINK, LINK, link)?;
    let addresses = ask(socket, GETADDR, ADDRESS, address)?;
    let routes = ask(socket, GETROUTE, ROUTING, default_route)?;
    let uplinks = links.into_iter().map(|index| {
        let here = addresses.iter().filter(|(of, _)| *of == index).map(|(_, address)| *address);
        let routes: Vec<_> = routes.iter().filter(|route| route.index == index).collect();
        Uplink { index, v4: side(here.clone(), &routes, v4), v6: side(here, &routes, v6) }
    });
    Ok({ uplinks }.find(|uplink| uplink.v4.is_some() || uplink.v6.is_some()))
}

/// The first address of a family, if a default route of that family leads out.
fn side<A>(
    mut addresses: impl Iterator<Item = IpAddr>,
    routes: &[&DefaultRoute],
    of_family: impl Fn(IpAddr) -> Option<A>,
) -> Option<Side<A>> {
    let address = addresses.find_map(&of_family)?;
    let route = routes.iter().find(|route| of_family(route.family).is_some())?;
    Some(Side { address, gateway: route.gateway.and_then(of_family) })
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn v6(address: IpAddr) -> Option<Ipv6Addr> {
    if let IpAddr::V6(address) = address { Some(address) } else { None }
}

pub(super) fn ask<T>(
    socket: &Netlink<OwnedFd>,
    kind: u16,
    header: usize,
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> Result<Vec<T>, Errno> {
    let request = Writer::new(kind, REQUEST | DUMP, &vec![0; header]).finish()?;
    socket.dump(&request, |message, list| list.extend(read(message)))
}

/// The index of an interface that is up and leads somewhere.
fn link(message: &Message<'_>) -> Option<u32> {
    let (header, _) = message.split(LINK).filter(|_| message.kind == NEWLINK)?;
    let flags = ne32(header.get(8..)?)?;
    let leads = flags & (UP | RUNNING | IS_LOOPBACK) == UP | RUNNING;
    ne32(header.get(4..)?).filter(|_| leads)
}

/// The index of an interface, and an address of it that everybody may use.
fn address(message: &Message<'_>) -> Option<(u32, IpAddr)> {
    let (header, attributes) = message.split(ADDRESS).filter(|_| message.kind == NEWADDR)?;
    let [_, _, flags, scope] = *header.first_chunk()?;
    let flags = attributes.get(IFA_FLAGS).and_then(ne32).unwrap_or(u32::from(flags));
    if scope != UNIVERSE || flags & NOT_YET != 0 {
        return None;
    }
    Some((ne32(header.get(4..)?)?, any_address(message)?))
}

/// The same of an address that nobody may use yet.
fn given(message: &Message<'_>) -> Option<Given> {
    let (header, attributes) = message.split(ADDRESS).filter(|_| message.kind == NEWADDR)?;
    let [_, _, flags, scope] = *header.first_chunk()?;
    let flags = attributes.get(IFA_FLAGS).and_then(ne32).unwrap_or(u32::from(flags));
    let address = any_address(message).filter(|_| scope == UNIVERSE)?;
    Some(Given { address, settled: flags & NOT_YET == 0, taken: flags & TAKEN != 0 })
}

fn any_address(message: &Message<'_>) -> Option<IpAddr> {
    let (_, attributes) = message.split(ADDRESS).filter(|_| message.kind == NEWADDR)?;
    // Of a link between two, the other one is the other's.
    attributes.get(IFA_LOCAL).or_else(|| attributes.get(IFA_ADDRESS)).and_then(ip)
}

struct DefaultRoute {
    index: u32,
    /// Any address of its family.
    family: IpAddr,
    gateway: Option<IpAddr>,
}

fn default_route(message: &Message<'_>) -> Option<DefaultRoute> {
    let (header, attributes) = message.split(ROUTING).filter(|_| message.kind == NEWROUTE)?;
    let [family, length, _, _, table, _, _, kind] = *header.first_chunk()?;
    let table = attributes.get(RTA_TABLE).and_then(ne32).unwrap_or(u32::from(table));
    if length != 0 || table != u32::from(MAIN) || kind != UNICAST {
        return None;
    }
    Some(DefaultRoute {
        index: attributes.get(RTA_OIF).and_then(ne32)?,
        family: match family {
            AF_INET => Ipv4Addr::UNSPECIFIED.into(),
            AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
            _ => return None,
        },
        gateway: attributes.get(RTA_GATEWAY).and_then(ip),
    })
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
