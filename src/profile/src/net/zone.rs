//! A zone: a bridge of this computer's that the app's own network is joined to, and what the app is called
//! there.

use super::address::same;
use crate::i18n::{Message, N_};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// The name of a bridge, as the kernel takes names of interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bridge(String);

impl Bridge {
    /// `IFNAMSIZ` of linux/if.h, without the NUL.
    const LONGEST: usize = 15;

    /// The bridge of that name.
    ///
    /// # Errors
    /// When no interface can have it.
    pub fn parse(text: &str) -> Result<Self, Message> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%');
        let named = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(plain);
        if named && !matches!(text, "." | "..") {
            return Ok(Self(text.to_owned()));
        }
        Err(Message::new(N_(
            "“{value}” cannot be the name of a bridge; it has up to 15 letters, digits and signs, like “br0”",
        ))
        .with("value", text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Bridge {
    type Error = Message;

    fn try_from(text: String) -> Result<Self, Message> {
        Self::parse(&text)
    }
}

impl From<Bridge> for String {
    fn from(bridge: Bridge) -> Self {
        bridge.0
    }
}

/// An address of the app's, and how many of its bits are those of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(IpAddr, u8)", into = "(IpAddr, u8)")]
pub struct OwnAddress {
    address: IpAddr,
    prefix: u8,
}

impl OwnAddress {
    /// That address in a network of that length.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let (bits, mapped) = match address {
            IpAddr::V4(address) => (32, address.is_broadcast()),
            IpAddr::V6(address) => (128, address.to_ipv4_mapped().is_some()),
        };
        let one = is_one(address) && !mapped && !is_link_local(address);
        (one && (1..=bits).contains(&prefix)).then_some(Self { address, prefix })
    }

    /// `192.168.5.20/24`.
    ///
    /// # Errors
    /// When it is not written so, or stands for nobody or for many.
    pub fn parse(text: &str) -> Result<Self, Message> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(address, prefix)| {
            let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
            Self::new(address.parse().ok()?, prefix.parse().ok().filter(|_| plain)?)
        });
        parsed.ok_or_else(|| {
            Message::new(N_(
                "“{value}” is not an address with the length of its network, like 192.168.5.20/24 or fd00:5::20/64",
            ))
            .with("value", text)
        })
    }

    /// The address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many of its bits are those of its network.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether that other one is in the same network.
    fn reaches(self, other: IpAddr) -> bool {
        same(self.address, other, self.prefix)
    }
}

impl fmt::Display for OwnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl TryFrom<(IpAddr, u8)> for OwnAddress {
    type Error = &'static str;

    fn try_from((address, prefix): (IpAddr, u8)) -> Result<Self, &'static str> {
        Self::new(address, prefix).ok_or("not an address of an app's")
    }
}

impl From<OwnAddress> for (IpAddr, u8) {
    fn from(own: OwnAddress) -> Self {
        (own.address, own.prefix)
    }
}

/// Whether an address can be that of one computer on a network.
fn is_one(address: IpAddr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

/// Whether it is one that every link has for itself; that of the app, the kernel makes.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// A bridge, and what the app is called there. Without an address of IPv6 here, routers
/// there give it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Zone {
    bridge: Bridge,
    addresses: Vec<OwnAddress>,
    routers: Vec<IpAddr>,
}

/// The same, not yet held against each other.
type Parts = (Bridge, Vec<OwnAddress>, Vec<IpAddr>);

impl Zone {
    /// The address of a router.
    ///
    /// # Errors
    /// When it stands for nobody or for many.
    pub fn parse_router(text: &str) -> Result<IpAddr, Message> {
        text.parse().ok().filter(|address| is_one(*address)).ok_or_else(|| {
            Message::new(N_(
                "“{value}” is not the address of a router, like 192.168.5.1 or fe80::1",
            ))
            .with("value", text)
        })
    }

    /// The parts, once they go together.
    ///
    /// # Errors
    /// When a router is not reached from any of the addresses, or is one too many.
    pub fn new(
        bridge: Bridge,
        addresses: Vec<OwnAddress>,
        routers: Vec<IpAddr>,
    ) -> Result<Self, Message> {
        for (number, router) in routers.iter().enumerate() {
            if routers.iter().take(number).any(|other| other.is_ipv4() == router.is_ipv4()) {
                let message = N_(
                    "“{value}” is one router too many: each of IPv4 and IPv6 has one way out of a zone",
                );
                return Err(Message::new(message).with("value", router.to_string()));
            }
            let near = |own: &OwnAddress| {
                own.address.is_ipv6() == router.is_ipv6()
                    && (is_link_local(*router) || own.reaches(*router))
            };
            if !is_one(*router) || !addresses.iter().any(near) {
                let message = N_(
                    "the router “{value}” lies in the network of no address in “network-rules.addresses”",
                );
                return Err(Message::new(message).with("value", router.to_string()));
            }
        }
        Ok(Self { bridge, addresses, routers })
    }

    /// The bridge.
    #[must_use]
    pub fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// The addresses that the app has there, whatever the network says.
    #[must_use]
    pub fn addresses(&self) -> &[OwnAddress] {
        &self.addresses
    }

    /// Who leads out of it, at most one of each family.
    #[must_use]
    pub fn routers(&self) -> &[IpAddr] {
        &self.routers
    }

    /// Whether it names an address of IPv6.
    #[must_use]
    pub fn is_static6(&self) -> bool {
        self.addresses.iter().any(|own| own.address.is_ipv6())
    }
}

impl TryFrom<Parts> for Zone {
    type Error = Message;

    fn try_from((bridge, addresses, routers): Parts) -> Result<Self, Message> {
        Self::new(bridge, addresses, routers)
    }
}

impl From<Zone> for Parts {
    fn from(zone: Zone) -> Self {
        (zone.bridge, zone.addresses, zone.routers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(addresses: &[&str], routers: &[&str]) -> Result<Zone, Message> {
        let addresses = addresses.iter().map(|text| OwnAddress::parse(text).unwrap()).collect();
        let routers = routers.iter().map(|text| Zone::parse_router(text).unwrap()).collect();
        Zone::new(Bridge::parse("br0").unwrap(), addresses, routers)
    }

    #[test]
    fn a_bridge_has_a_name_that_an_interface_can_have() {
        for name in ["br0", "virbr-12", "a", "br.100", "0123456789abcde"] {
            assert_eq!(Bridge::parse(name).unwrap().as_str(), name);
        }
        for wrong in ["", ".", "..", "a/b", "a b", "br%d", "a:1", "0123456789abcdef", "b\u{fc}"] {
            assert!(Bridge::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_one_of_one_computer() {
        for text in ["192.168.5.20/24", "fd00:5::20/64", "10.0.0.1/32"] {
            assert_eq!(OwnAddress::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "192.168.5.20",
            "192.168.5.20/33",
            "192.168.5.20/0",
            "192.168.5.20/+8",
            "::1/128",
            "ff02::1/64",
            "127.0.0.1/8",
            "0.0.0.0/8",
            "255.255.255.255/32",
            "fe80::5/64",
            "::ffff:10.0.0.1/120",
            "br0",
            "",
        ] {
            assert!(OwnAddress::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Zone::parse_router("224.0.0.1").is_err() && Zone::parse_router("fe80::1").is_ok());
    }

    #[test]
    fn a_router_is_reached_from_an_address_and_is_the_only_one() {
        let both = ["192.168.5.20/24", "fd00:5::20/64"];
        assert!(zone(&both, &["192.168.5.1", "fe80::1"]).is_ok());
        assert!(zone(&both, &["fd00:5::1"]).is_ok() && zone(&[], &[]).is_ok());
        assert!(zone(&both, &["192.168.6.1"]).is_err());
        assert!(zone(&both[..1], &["fe80::1"]).is_err());
        assert!(zone(&both, &["192.168.5.1", "192.168.5.2"]).is_err());
    }
}
