//! A network with rules, as the first process of a sandbox makes it: the sockets are opened and handed to the
//! supervisor, somebody outside makes the way out meanwhile, and the rules count before the app is there.
//!
//! It begins early and ends late, so that the tree is built while the way out is made. Nothing of it
//! stays with the first process.

use crate::error::{Error, Result};
use crate::network::{self, Control, Dns, Generation, Opened, Spec};
use arkose_profile::net::Rules;
use arkose_protocol::{Channel, Event, NetworkPart, Request};
use rustix::process::Gid;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long the way out may take: a program is started for it, and a router may have to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The network while it is made.
#[derive(Debug)]
pub(crate) struct Begun {
    control: Control<OwnedFd>,
    until: Instant,
}

impl Begun {
    /// Opens what is used from outside, and hands it over. Loopback is up.
    ///
    /// `group` is the app's, by its number inside.
    pub(crate) fn begin(channel: &Channel, group: Gid) -> Result<Self> {
        // Who may ask whether somebody answers is said for the whole namespace, and the rules say whom.
        network::allow_echo(group)?;
        let Opened { control, log, dns4, dns6, network, user } = network::open()?;
        let tell = |part, fd: BorrowedFd<'_>| {
            channel
                .send_with(&Event::Network(part), fd)
                .map_err(|error| Error::new(error.to_string()))
        };
        tell(NetworkPart::Namespace, network.as_fd())?;
        tell(NetworkPart::Owner, user.as_fd())?;
        for Dns { udp, tcp } in [Some(dns4), dns6].iter().flatten() {
            tell(NetworkPart::Packets, udp.as_fd())?;
            tell(NetworkPart::Streams, tcp.as_fd())?;
        }
        tell(NetworkPart::Log, log.into_fd().as_fd())?;
        tell(NetworkPart::Control, control.as_fd())?;
        Ok(Self { control, until: Instant::now() + PATIENCE })
    }

    /// Waits for the way out, and has the rules count.
    pub(crate) fn finish(self, request: &Request, channel: &Channel) -> Result<()> {
        // An address that every link has for itself says nothing.
        let has = |v6: bool| {
            request.addresses.iter().any(|address| match address {
                IpAddr::V4(_) => !v6,
                IpAddr::V6(address) => v6 && !address.is_unicast_link_local(),
            })
        };
        let uplink =
            network::wait_for_uplink(self.until, has(false) && has(true), Some(channel.as_fd()))?;
        // Elsewhere the router is the router.
        let to_host = request.policy.network_rules.may_reach_host();
        let routers = if to_host { uplink.gateways() } else { Vec::new() };
        let host: Vec<IpAddr> = request.addresses.iter().chain(&routers).copied().collect();
        let rules: &Rules = &request.policy.network_rules;
        let spec = Spec::new(rules, &host, Generation::MIN);
        self.control.load(&network::ruleset(&spec, &[], None)?)?;
        self.control.apply(&network::accounting()?)?;
        channel.send_event(&Event::Routers(routers)).map_err(|error| Error::new(error.to_string()))
    }
}
