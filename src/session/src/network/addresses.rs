//! The addresses of this computer, which rules for the network call “host”: who reaches one of them over an
//! uplink reaches the services of this computer.

use crate::error::{Error, Kind};
use nix::ifaddrs::getifaddrs;
use std::net::IpAddr;

/// All that its interfaces have now, but loopback's, which are a sandbox's own.
///
/// # Errors
/// When the kernel does not tell.
pub(super) fn of_this_computer() -> Result<Vec<IpAddr>, Error> {
    let failed = |errno| Error::new(Kind::Internal).value("getifaddrs").because(errno);
    let mut addresses = Vec::new();
    for interface in getifaddrs().map_err(failed)? {
        let Some(address) = interface.address else { continue };
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        addresses.extend(v4.or_else(v6).filter(|address| !address.is_loopback()));
    }
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}
