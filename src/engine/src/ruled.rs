//! A network with rules, as the first process of a sandbox makes it: the sockets are opened and handed to the
//! supervisor, somebody outside makes the way out meanwhile, and the rules count before the app is there.
//! Where root builds the sandbox, the way out is made elsewhere and taken from there ([`crate::outlet`]).
//!
//! It begins early and ends late, so that the tree is built while the way out is made. Nothing of it
//! stays with the first process.

use crate::error::{Error, Result};
use crate::network::{self, Control, Dns, Generation, Lookout, Opened, Spec, Uplink};
use crate::outlet::{self, Outlet};
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
    elsewhere: Option<Elsewhere>,
}

/// A way out that is made in another network.
#[derive(Debug)]
struct Elsewhere {
    look: Lookout,
    /// The sandbox's own network.
    own: OwnedFd,
    /// That other one.
    users: OwnedFd,
}

impl Begun {
    /// Opens what is used from outside, and hands it over. Loopback is up.
    ///
    /// `group` is the app's, by its number inside.
    pub(crate) fn begin(channel: &Channel, group: Gid, outlet: Option<Outlet>) -> Result<Self> {
        // Who may ask whether somebody answers is said for the whole namespace, and the rules say whom.
        network::allow_echo(group)?;
        network::ignore_routers()?;
        let Opened { control, log, dns4, dns6, network, user } = network::open()?;
        let tell = |part, fd: BorrowedFd<'_>| {
            channel
                .send_with(&Event::Network(part), fd)
                .map_err(|error| Error::new(error.to_string()))
        };
        let of_users = outlet.as_ref().map(|outlet| &outlet.landing);
        tell(NetworkPart::Namespace, of_users.map_or(&network, |users| &users.network).as_fd())?;
        tell(NetworkPart::Owner, of_users.map_or(&user, |users| &users.user).as_fd())?;
        for Dns { udp, tcp } in [Some(dns4), dns6].iter().flatten() {
            tell(NetworkPart::Packets, udp.as_fd())?;
            tell(NetworkPart::Streams, tcp.as_fd())?;
        }
        tell(NetworkPart::Log, log.into_fd().as_fd())?;
        let until = Instant::now() + PATIENCE;
        let Some(Outlet { landing, steering }) = outlet else {
            tell(NetworkPart::Control, control.as_fd())?;
            return Ok(Self { control, until, elsewhere: None });
        };
        // Whoever makes the way out is seen from its beginning.
        let look = outlet::within(&landing.network, &network, Lookout::open)?;
        tell(NetworkPart::Steering, steering.as_fd())?;
        Ok(Self {
            control,
            until,
            elsewhere: Some(Elsewhere { look, own: network, users: landing.network }),
        })
    }

    /// Waits for the way out, and has the rules count.
    pub(crate) fn finish(self, request: &Request, channel: &Channel) -> Result<()> {
        let uplink = self.way_out(request.host.routes == [true; 2], channel)?;
        // Elsewhere the router is the router.
        let to_host = request.policy.network_rules.may_reach_host();
        let routers = if to_host { uplink.gateways() } else { Vec::new() };
        let host: Vec<IpAddr> = request.host.addresses.iter().chain(&routers).copied().collect();
        let rules: &Rules = &request.policy.network_rules;
        let spec = Spec::new(rules, &host, Generation::MIN);
        self.control.load(&network::ruleset(&spec, &[], None)?)?;
        self.control.apply(&network::accounting()?)?;
        channel.send_event(&Event::Routers(routers)).map_err(|error| Error::new(error.to_string()))
    }
    /// Waits for the way out until it leads out of this network; and a moment for both families.
    fn way_out(&self, both: bool, channel: &Channel) -> Result<Uplink> {
        let alive = Some(channel.as_fd());
        let Some(Elsewhere { look, own, users }) = &self.elsewhere else {
            return network::wait_for_uplink(self.until, both, alive);
        };
        let uplink = look.wait_for_uplink(self.until, both, alive)?;
        look.move_link(uplink.index, own)?;
        network::adopt(&uplink, users)?;
        Ok(uplink)
    }
}
