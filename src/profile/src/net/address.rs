//! Addresses: networks, and which addresses are public, local or special.
//!
//! The ranges are those of IANA's registries of special-purpose addresses (RFC 6890). An IPv4 address
//! that is written as one of IPv6 (`::ffff:10.0.0.1`) is everywhere the IPv4 address that it stands for.

use crate::i18n::{Message, N_};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to whoever reaches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// On the internet.
    Public,
    /// In the local network, or everybody in it.
    Lan,
    /// Neither: loopback, documentation, tunnels, reserved.
    Special,
}

/// The local networks of IPv4.
pub const LAN4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private: RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // shared, behind a provider's translation: RFC 6598
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local: RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private: RFC 1918
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private: RFC 1918
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast: RFC 5771
    (Ipv4Addr::new(255, 255, 255, 255), 32), // broadcast: RFC 919
];

/// What is neither public nor local in IPv4. [`LAN4`] is looked at first: the broadcast address lies in both.
pub const SPECIAL4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network: RFC 791
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback: RFC 1122
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments: RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation: RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4: RFC 7526
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks: RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation: RFC 5737
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved: RFC 1112
];

/// An IPv4 address behind the well-known prefix of translators, `64:ff9b::/96` (RFC 6052).
const fn nat64(high: u16, low: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low)
}

/// The local networks of IPv6, and what a translator (NAT64) makes of those of IPv4.
pub const LAN6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // unique local: RFC 4193
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local: RFC 4291
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local, of old: RFC 3879
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), // multicast: RFC 4291
    (nat64(0x0a00, 0), 104),
    (nat64(0x6440, 0), 106),
    (nat64(0xa9fe, 0), 112),
    (nat64(0xac10, 0), 108),
    (nat64(0xc0a8, 0), 112),
    (nat64(0xe000, 0), 100),
    (nat64(0xffff, 0xffff), 128),
];

/// What is neither public nor local in IPv6. [`LAN6`] is looked at first.
pub const SPECIAL6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::UNSPECIFIED, 96), // none, loopback, IPv4-compatible: RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), // IPv4-mapped, never on a wire: RFC 4291
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // a network's own translators: RFC 8215
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64), // discarded: RFC 6666
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64), // dummy prefix: RFC 9780
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo: RFC 2928, RFC 4380
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation: RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which holds IPv4 addresses: RFC 3056
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation: RFC 9637
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16), // segment routing: RFC 9602
    (nat64(0x0000, 0), 104),
    (nat64(0x7f00, 0), 104),
    (nat64(0xc000, 0), 120),
    (nat64(0xc000, 0x0200), 120),
    (nat64(0xc058, 0x6300), 120),
    (nat64(0xc612, 0), 111),
    (nat64(0xc633, 0x6400), 120),
    (nat64(0xcb00, 0x7100), 120),
    (nat64(0xf000, 0), 100),
];

/// What an address is. Which addresses are this computer's is not known here.
#[must_use]
pub fn class(address: IpAddr) -> Class {
    let (lan, special) = match address.to_canonical() {
        IpAddr::V4(address) => {
            let holds = |list: &[(Ipv4Addr, u8)]| list.iter().any(|(n, p)| same4(address, *n, *p));
            (holds(LAN4), holds(SPECIAL4))
        }
        IpAddr::V6(address) => {
            let holds = |list: &[(Ipv6Addr, u8)]| list.iter().any(|(n, p)| same6(address, *n, *p));
            (holds(LAN6), holds(SPECIAL6))
        }
    };
    match (lan, special) {
        (true, _) => Class::Lan,
        (false, true) => Class::Special,
        (false, false) => Class::Public,
    }
}

fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

fn mask6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

/// Whether two addresses are of one family and have so many bits in common.
pub(super) fn same(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same4(a, b, prefix),
        (IpAddr::V6(a), IpAddr::V6(b)) => same6(a, b, prefix),
        _ => false,
    }
}

fn same4(a: Ipv4Addr, b: Ipv4Addr, prefix: u8) -> bool {
    (a.to_bits() ^ b.to_bits()) & mask4(prefix) == 0
}

fn same6(a: Ipv6Addr, b: Ipv6Addr, prefix: u8) -> bool {
    (a.to_bits() ^ b.to_bits()) & mask6(prefix) == 0
}

/// An address, or all that begin with the same bits: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNet {
    /// Its first address: the bits behind the prefix are zero, and it is no IPv4-mapped one.
    pub address: IpAddr,
    /// How many bits are fixed.
    pub prefix: u8,
}

impl IpNet {
    /// The network that an address lies in; `None` when no address has so many bits.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        match address {
            IpAddr::V4(_) if prefix > 32 => None,
            IpAddr::V4(address) => {
                let first = Ipv4Addr::from_bits(address.to_bits() & mask4(prefix));
                Some(Self { address: first.into(), prefix })
            }
            IpAddr::V6(_) if prefix > 128 => None,
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), prefix.checked_sub(96)) {
                (Some(address), Some(prefix)) => Self::new(address.into(), prefix),
                _ => {
                    let first = Ipv6Addr::from_bits(address.to_bits() & mask6(prefix));
                    Some(Self { address: first.into(), prefix })
                }
            },
        }
    }

    /// One address.
    #[must_use]
    pub fn single(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Whether it is one address.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.prefix >= if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        same(self.address, address.to_canonical(), self.prefix)
    }

    /// Whether a whole local network lies in it.
    #[cfg(feature = "files")]
    pub(crate) fn holds_lan(&self) -> bool {
        LAN4.iter().any(|(net, _)| self.contains((*net).into()))
            || LAN6.iter().any(|(net, _)| self.contains((*net).into()))
    }

    /// Reads `ADDRESS` or `ADDRESS/PREFIX`; `None` where there is no address.
    pub(super) fn parse(text: &str) -> Option<Result<Self, Message>> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let Some(prefix) = prefix else { return Some(Ok(Self::single(address))) };
        // Digits alone: what the standard library reads as a number may begin with “+”.
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let read = prefix.parse().ok().filter(|_| digits).and_then(|p| Self::new(address, p));
        Some(read.ok_or_else(|| {
            let most = if address.is_ipv4() { "32" } else { "128" };
            Message::new(N_(
                "“{network}” cannot be: behind the “/” stands how many bits are fixed, from 0 to {most}",
            ))
            .with("network", text)
            .with("most", most)
        }))
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Class {
        class(text.parse().expect(text))
    }

    #[test]
    fn addresses_are_public_local_or_special() {
        for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
        {
            assert_eq!(of(text), Class::Public, "{text}");
        }
        for text in [
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "224.0.0.251",
            "239.255.255.250",
            "255.255.255.255",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::fb",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
        ] {
            assert_eq!(of(text), Class::Lan, "{text}");
        }
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.7",
            "198.19.0.1",
            "240.0.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::10.0.0.1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::a00:1",
        ] {
            assert_eq!(of(text), Class::Special, "{text}");
        }
    }

    #[test]
    fn what_is_behind_a_translator_is_of_the_class_that_it_has_in_front() {
        let behind = |list: &[(Ipv6Addr, u8)]| -> Vec<(Ipv4Addr, u8)> {
            let prefix = nat64(0, 0).to_bits();
            let inner = list.iter().filter(|(n, p)| *p > 96 && n.to_bits() & mask6(96) == prefix);
            let low = |net: &Ipv6Addr| u32::try_from(net.to_bits() & u128::from(u32::MAX)).unwrap();
            inner.map(|(n, p)| (Ipv4Addr::from_bits(low(n)), p - 96)).collect()
        };
        assert_eq!(behind(LAN6), LAN4);
        assert_eq!(behind(SPECIAL6), SPECIAL4);
    }

    #[test]
    fn every_range_is_a_network_of_its_own() {
        for (net, prefix) in LAN4.iter().chain(SPECIAL4) {
            assert_eq!(IpNet::new((*net).into(), *prefix).unwrap().address, IpAddr::V4(*net));
        }
        for (net, prefix) in LAN6.iter().chain(SPECIAL6) {
            let first = Ipv6Addr::from_bits(net.to_bits() & mask6(*prefix));
            assert_eq!(first, *net);
        }
    }

    #[test]
    fn networks_are_written_in_one_way() {
        let told = |text: &str| match IpNet::parse(text) {
            None => "none".to_owned(),
            Some(Ok(net)) => net.to_string(),
            Some(Err(why)) => why.to_string(),
        };
        for (text, wanted) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("FD00:0:0::1/8", "fd00::/8"),
            ("::1/128", "::1"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:10.1.2.3/90", "::ffc0:0:0/90"),
            ("::/0", "::/0"),
            ("10.1.2", "none"),
            ("010.1.2.3", "none"),
        ] {
            assert_eq!(told(text), wanted, "{text}");
            assert_eq!(told(wanted), wanted);
        }
        for (text, part) in [
            ("10.0.0.0/33", "from 0 to 32"),
            ("::/129", "from 0 to 128"),
            ("::/+1", "“::/+1”"),
            ("::/", "“::/”"),
        ] {
            assert!(told(text).contains(part), "{text}: {}", told(text));
        }
    }

    #[test]
    fn a_network_holds_its_own_family_alone() {
        let net = |text: &str| IpNet::parse(text).unwrap().unwrap();
        assert!(net("0.0.0.0/0").contains("8.8.8.8".parse().unwrap()));
        assert!(net("0.0.0.0/0").contains("::ffff:8.8.8.8".parse().unwrap()));
        assert!(!net("::/0").contains("8.8.8.8".parse().unwrap()));
        assert!(!net("10.0.0.0/8").contains("11.0.0.0".parse().unwrap()));
        assert!(net("fd00::/8").contains("fdff::1".parse().unwrap()));
        assert!(net("::1").is_single() && !net("::/127").is_single());
    }
}
