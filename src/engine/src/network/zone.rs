//! Joining a zone: a bridge of the computer's is waited for, and a pair of links made of which one end is a port
//! of that bridge and the other one is the app's.
//!
//! Nothing of it outlives the sandbox: the app's end is in the sandbox's network from the beginning, both ends
//! are made in one step, and with the one the kernel removes the other.

use super::link::{self, IFNAME, INFO_KIND, LINK_INFO, NAME, NET_NS_FD, link_header, named, send};
use super::netlink::{ACK, CREATE, EXCLUSIVE, Message, REQUEST, Writer, ne32};
use super::socket::Netlink;
use super::uplink::{
    AF_INET6, GETLINK, LINK, Lookout, MESSAGE as NO_WAIT, NEWLINK, NEWLINKS, UP, ask, wait,
};
use crate::error::{Context as _, Error, Result};
use arkose_profile::net::{Bridge, Zone};
use rustix::io::Errno;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

/// How the kernel numbers the ends at the bridge.
const OUTSIDE: &str = "arkose%d";

/// `IFLA_LINK`, `IFLA_MASTER` and `IFLA_AF_SPEC` of linux/if_link.h.
const OTHER_END: u16 = 5;
const MASTER: u16 = 10;
const AF_SPEC: u16 = 26;
/// `IFLA_INFO_DATA`, and in that `VETH_INFO_PEER`.
const INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
/// `IFLA_INET6_ADDR_GEN_MODE` and `IN6_ADDR_GEN_MODE_NONE`.
const ADDR_GEN_MODE: u16 = 8;
const NO_ADDRESS: u8 = 1;

/// The links of the network namespace in which this was opened, from wherever it is used.
#[derive(Debug)]
pub struct Bridges {
    changes: Netlink<OwnedFd>,
    state: Netlink<OwnedFd>,
}

impl Bridges {
    /// Those of the network namespace that this process is in.
    ///
    /// # Errors
    /// When the kernel gives no sockets.
    pub fn open() -> Result<Self> {
        let changes = Netlink::open(None, NEWLINKS).context(NO_WAIT)?;
        let state = Netlink::open(None, 0).context(NO_WAIT)?;
        Ok(Self { changes, state })
    }

    /// The index of a bridge, once it is there; `awaited` is called where it is not yet. It is given up when
    /// the other end of `alive` is closed.
    ///
    /// # Errors
    /// When there is none by then, what has its name is none, or it was given up.
    pub fn wait_for(
        &self,
        bridge: &Bridge,
        deadline: Instant,
        alive: Option<BorrowedFd<'_>>,
        awaited: impl FnOnce() -> Result<()>,
    ) -> Result<u32> {
        let (mut buffer, mut awaited) = (Vec::new(), Some(awaited));
        loop {
            self.changes.drain(&mut buffer);
            // What changes from here on is told.
            if let Some(index) = self.find(bridge)? {
                return Ok(index);
            }
            awaited.take().map_or(Ok(()), |tell| tell())?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!("the network bridge “{bridge}” is not there");
                return Err(Error::new(message).remedy(format!("ip link add {bridge} type bridge")));
            }
            if wait(&self.changes, left, alive).context(NO_WAIT)? {
                return Err(Error::new("the network bridge is not waited for any more"));
            }
        }
    }

    fn find(&self, bridge: &Bridge) -> Result<Option<u32>> {
        let bridges = |message: &Message<'_>| {
            let (index, kind) = named(message, bridge.as_str())?;
            Some((index, kind == Some("bridge")))
        };
        let found = ask(&self.state, GETLINK, LINK, bridges).context(NO_WAIT)?;
        match found.first() {
            None => Ok(None),
            Some((index, true)) => Ok(Some(*index)),
            Some((_, false)) => Err(Error::new(format!("“{bridge}” is no network bridge"))),
        }
    }

    /// Joins the network namespace `own`, which this process is in, to that bridge, and gives the app its
    /// addresses and routers there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn join(&self, bridge: u32, own: &OwnedFd, zone: &Zone) -> Result<()> {
        let message = "the sandbox's network cannot be joined to the bridge";
        self.make_pair(bridge, own).context(message)?;
        let inside = Netlink::open(None, 0).context(message)?;
        let ends = ask(&inside, GETLINK, LINK, ends).context(message)?;
        let (index, outside) = *ends.first().ok_or(Errno::NODEV).context(message)?;
        self.keep_unaddressed(outside).context(message)?;
        settle(&inside, index, zone).context("the app cannot be given its addresses")
    }

    /// Both ends at once: a port of the bridge that is up, and the app's, which is not yet. As long as that
    /// is not, nothing passes.
    fn make_pair(&self, bridge: u32, own: &OwnedFd) -> Result<(), Errno> {
        let flags = REQUEST | ACK | CREATE | EXCLUSIVE;
        let mut message = Writer::new(NEWLINK, flags, &link_header(0, UP));
        message.text(IFNAME, OUTSIDE);
        message.bytes(MASTER, &bridge.to_ne_bytes());
        message.nested(LINK_INFO, |info| {
            info.text(INFO_KIND, "veth");
            info.nested(INFO_DATA, |data| {
                data.nested(VETH_INFO_PEER, |peer| {
                    peer.header(&link_header(0, 0));
                    peer.text(IFNAME, NAME);
                    peer.bytes(NET_NS_FD, &own.as_raw_fd().to_ne_bytes());
                });
            });
        });
        send(&self.state, message)
    }

    /// The bridge's end is no address of the computer's.
    fn keep_unaddressed(&self, index: u32) -> Result<(), Errno> {
        let mut message = Writer::new(NEWLINK, REQUEST | ACK, &link_header(index, 0));
        message.nested(AF_SPEC, |families| {
            families.nested(AF_INET6.into(), |v6| v6.bytes(ADDR_GEN_MODE, &[NO_ADDRESS]));
        });
        match send(&self.state, message) {
            // A computer without IPv6 gives it none.
            Err(Errno::AFNOSUPPORT | Errno::OPNOTSUPP) => Ok(()),
            done => done,
        }
    }
}

/// Gives the app's link its addresses, brings it up, and leads to the routers.
fn settle(inside: &Netlink<OwnedFd>, index: u32, zone: &Zone) -> Result<(), Errno> {
    for own in zone.addresses() {
        link::add_own_address(inside, index, *own)?;
    }
    link::bring_up(inside, index)?;
    zone.routers().iter().try_for_each(|router| link::add_router(inside, index, *router))
}

/// The index of the app's link, and of its other end where that is.
fn ends(message: &Message<'_>) -> Option<(u32, u32)> {
    let (index, _) = named(message, NAME)?;
    let (_, attributes) = message.split(LINK)?;
    Some((index, attributes.get(OTHER_END).and_then(ne32)?))
}

/// Waits until the app has the addresses that its zone names and nobody else objects to them; where it names
/// none, until the network gave one. `look` looks at the sandbox's network.
///
/// # Errors
/// When it has none by then, another has it, or it was given up.
pub fn wait_for_addresses(
    look: &Lookout,
    zone: &Zone,
    deadline: Instant,
    alive: Option<BorrowedFd<'_>>,
) -> Result<()> {
    loop {
        // What changes from here on is told.
        if has_all(zone, &look.addresses()?)? {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(without(zone));
        }
        if look.wait(left, alive)? {
            return Err(Error::new("the sandbox's network is not waited for any more"));
        }
    }
}

fn without(zone: &Zone) -> Error {
    let bridge = zone.bridge();
    let message = format!(
        "no router at the network bridge “{bridge}” gave the app an address of IPv6 in time, and no other is named"
    );
    Error::new(message).remedy("arkose run --network-address ADDRESS/LENGTH …")
}

/// An address of the app's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) address: IpAddr,
    /// Whether others can reach it.
    pub(super) settled: bool,
    /// Whether another has it as well.
    pub(super) taken: bool,
}

fn has_all(zone: &Zone, given: &[Given]) -> Result<bool> {
    let wanted: Vec<IpAddr> = zone.addresses().iter().map(|own| own.address()).collect();
    if let Some(taken) = given.iter().find(|one| one.taken && wanted.contains(&one.address)) {
        let (bridge, address) = (zone.bridge(), taken.address);
        let message = format!("another at the network bridge “{bridge}” has the address {address}");
        return Err(Error::new(message));
    }
    let mut settled = given.iter().filter(|one| one.settled).map(|one| one.address);
    if wanted.is_empty() {
        return Ok(settled.next().is_some());
    }
    let settled: Vec<IpAddr> = settled.collect();
    Ok(wanted.iter().all(|own| settled.contains(own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::OwnAddress;

    fn zone(addresses: &[&str]) -> Zone {
        let own = addresses.iter().map(|text| OwnAddress::parse(text).unwrap()).collect();
        Zone::new(Bridge::parse("br0").unwrap(), own, Vec::new()).unwrap()
    }

    fn given(address: &str, settled: bool, taken: bool) -> Given {
        Given { address: address.parse().unwrap(), settled, taken }
    }

    #[test]
    fn what_was_named_is_waited_for_and_else_what_comes() {
        let v4 = given("192.168.5.20", true, false);
        let v6 = |settled| given("fd00:5::20", settled, false);
        let named = zone(&["192.168.5.20/24", "fd00:5::20/64"]);
        assert!(!has_all(&named, &[v4]).unwrap());
        assert!(!has_all(&named, &[v4, v6(false)]).unwrap());
        assert!(has_all(&named, &[v4, v6(true)]).unwrap());
        let taken = has_all(&named, &[v4, given("fd00:5::20", false, true)]).unwrap_err();
        assert!(taken.to_string().contains("fd00:5::20"), "{taken}");
        let any = zone(&[]);
        assert!(!has_all(&any, &[v6(false)]).unwrap() && has_all(&any, &[v6(true)]).unwrap());
    }
}
