//! Records that say how a service is reached (SVCB and HTTPS, RFC 9460). They may carry addresses, so
//! that an app need not ask for them, and these are held against the rules like all others.

use crate::name;
use domain::base::rdata::UnknownRecordData;
use domain::base::{ParsedName, ParsedRecord, ToName as _};
use domain::rdata::svcb::{Https, Svcb};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MANDATORY: u16 = 0;
const IPV4HINT: u16 = 4;
const IPV6HINT: u16 = 6;

/// What is read of such a record.
struct Parts<'a> {
    priority: u16,
    target: ParsedName<&'a [u8]>,
    parameters: &'a [u8],
}

impl Parts<'_> {
    /// Whether it leads to its own name, or to one that may be asked about.
    fn leads(&self, may_ask: impl Fn(&str) -> bool) -> bool {
        self.target.is_root() || name::text(&self.target).is_some_and(|name| may_ask(&name))
    }
}

/// Reads a record; none when it cannot be read.
fn parts<'a>(record: &ParsedRecord<'a, [u8]>) -> Option<Parts<'a>> {
    if let Ok(Some(https)) = record.to_record::<Https<&'a [u8], ParsedName<&'a [u8]>>>() {
        let data = https.into_data();
        let (priority, target) = (data.priority(), *data.target());
        return Some(Parts { priority, target, parameters: data.params().as_octets() });
    }
    let data = record.to_record::<Svcb<&'a [u8], ParsedName<&'a [u8]>>>().ok()??.into_data();
    let (priority, target) = (data.priority(), *data.target());
    Some(Parts { priority, target, parameters: data.params().as_octets() })
}

/// The addresses that a record has; none where it leads to a name that may not be asked about.
pub fn hints(
    record: &ParsedRecord<'_, [u8]>,
    may_ask: impl Fn(&str) -> bool,
) -> Option<Vec<IpAddr>> {
    let parts = parts(record).filter(|parts| parts.leads(may_ask))?;
    let addresses = Parameters(parts.parameters).flat_map(|(key, value)| addresses(key, value));
    Some(addresses.collect())
}

/// The record with no other addresses than `kept`; none where nothing useful remains of it: it leads to
/// a name that may not be asked about, or has lost what it says is needed.
pub fn without(
    record: &ParsedRecord<'_, [u8]>,
    kept: &[IpAddr],
    may_ask: impl Fn(&str) -> bool,
) -> Option<UnknownRecordData<Vec<u8>>> {
    let parts = parts(record).filter(|parts| parts.leads(may_ask))?;
    let mut data = parts.priority.to_be_bytes().to_vec();
    data.extend_from_slice(parts.target.to_vec().as_slice());
    let mut lost = Vec::new();
    for (key, value) in Parameters(parts.parameters) {
        let value = if matches!(key, IPV4HINT | IPV6HINT) {
            let remain = addresses(key, value).filter(|one| kept.contains(&one.to_canonical()));
            octets(remain)
        } else {
            value.to_vec()
        };
        if value.is_empty() && matches!(key, IPV4HINT | IPV6HINT) {
            lost.push(key);
            continue;
        }
        data.extend_from_slice(&key.to_be_bytes());
        data.extend_from_slice(&u16::try_from(value.len()).ok()?.to_be_bytes());
        data.extend_from_slice(&value);
    }
    let mandatory = Parameters(parts.parameters).find(|(key, _)| *key == MANDATORY);
    let keys = mandatory.map_or(&[][..], |(_, value)| value).chunks_exact(2);
    if keys.filter_map(number).any(|key| lost.contains(&key)) {
        return None;
    }
    UnknownRecordData::from_octets(record.rtype(), data).ok()
}

/// The addresses in a parameter that holds some.
fn addresses(key: u16, value: &[u8]) -> impl Iterator<Item = IpAddr> {
    let size = match key {
        IPV4HINT => 4,
        IPV6HINT => 16,
        // As many as no value has.
        _ => usize::MAX,
    };
    value.chunks_exact(size).filter_map(|octets| {
        let four = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
        let six = <[u8; 16]>::try_from(octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
        four.or(six).ok()
    })
}

fn octets(addresses: impl Iterator<Item = IpAddr>) -> Vec<u8> {
    let octets = addresses.map(|address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    });
    octets.flatten().collect()
}

fn number(octets: &[u8]) -> Option<u16> {
    <[u8; 2]>::try_from(octets).ok().map(u16::from_be_bytes)
}

/// The parameters: each a key, a length, and as many octets.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = self.0.split_at_checked(2)?;
        let (length, rest) = rest.split_at_checked(2)?;
        let (value, rest) = rest.split_at_checked(usize::from(number(length)?))?;
        self.0 = rest;
        Some((number(key)?, value))
    }
}
