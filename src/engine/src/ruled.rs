//! A network with rules, as the first process of a sandbox makes it: the sockets are opened and handed to the
//! supervisor, somebody outside makes the way out meanwhile, and the rules count before the app is there.
//! Where root builds the sandbox, the way out is made elsewhere and taken from there ([`crate::outlet`]), or it is
//! a bridge of the computer's ([`crate::network::Bridges`]).
//!
//! It begins early and ends late, so that the tree is built while the way out is made. Nothing of it
//! stays with the first process.

use crate::error::{Error, Result};
use crate::network::{
    self, Bridges, Control, Dns, Generation, Lookout, OnLink, Opened, Spec, Uplink,
};
use crate::outlet::{self, Outlet, Through};
use arkose_profile::net::{Rules, Zone};
use arkose_protocol::{Channel, Event, NetworkPart, Request};
use rustix::process::Gid;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long the way out may take: a program is started for it, and a router may have to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a bridge may take to appear: those of guests and of other networks come late at a start.
const BRIDGE: Duration = Duration::from_secs(30);

/// The network while it is made.
#[derive(Debug)]
pub(crate) struct Begun {
    control: Control<OwnedFd>,
    until: Instant,
    from: Source,
}

/// Where the way out comes from.
#[derive(Debug)]
enum Source {
    /// It is made in the sandbox's own network.
    Here,
    Elsewhere(Elsewhere),
    Zone(Joining),
}

/// A bridge that is joined.
#[derive(Debug)]
struct Joining {
    bridges: Bridges,
    /// Sees the sandbox's own network.
    look: Lookout,
    own: OwnedFd,
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
    pub(crate) fn begin(
        channel: &Channel,
        group: Gid,
        outlet: Option<Outlet>,
        zone: Option<&Zone>,
    ) -> Result<Self> {
        // Who may ask whether somebody answers is said for the whole namespace, and the rules say whom.
        network::allow_echo(group)?;
        // In a zone without an address of its own, the app gets one from them.
        if zone.is_none_or(Zone::is_static6) {
            network::ignore_routers()?;
        }
        let Opened { control, log, dns4, dns6, network, user } = network::open()?;
        let tell = |part, fd: BorrowedFd<'_>| {
            channel
                .send_with(&Event::Network(part), fd)
                .map_err(|error| Error::new(error.to_string()))
        };
        // Nobody outside enters the network of a zone.
        let entered = match outlet.as_ref().map(|outlet| &outlet.through) {
            None => Some((&network, &user)),
            Some(Through::Landing(landing)) => Some((&landing.network, &landing.user)),
            Some(Through::Zone(_)) => None,
        };
        if let Some((network, user)) = entered {
            tell(NetworkPart::Namespace, network.as_fd())?;
            tell(NetworkPart::Owner, user.as_fd())?;
        }
        for Dns { udp, tcp } in [Some(dns4), dns6].iter().flatten() {
            tell(NetworkPart::Packets, udp.as_fd())?;
            tell(NetworkPart::Streams, tcp.as_fd())?;
        }
        tell(NetworkPart::Log, log.into_fd().as_fd())?;
        let until = Instant::now() + PATIENCE;
        let Some(Outlet { through, steering }) = outlet else {
            tell(NetworkPart::Control, control.as_fd())?;
            return Ok(Self { control, until, from: Source::Here });
        };
        let from = match through {
            Through::Landing(landing) => {
                // Whoever makes the way out is seen from its beginning.
                let look = outlet::within(&landing.network, &network, Lookout::open)?;
                Source::Elsewhere(Elsewhere { look, own: network, users: landing.network })
            }
            Through::Zone(bridges) => {
                Source::Zone(Joining { bridges, look: Lookout::open()?, own: network })
            }
        };
        tell(NetworkPart::Steering, steering.as_fd())?;
        Ok(Self { control, until, from })
    }

    /// Waits for the way out, and has the rules count.
    pub(crate) fn finish(self, request: &Request, channel: &Channel) -> Result<()> {
        let routers = match (&self.from, &request.policy.zone) {
            (Source::Zone(joining), Some(zone)) => {
                // Whoever else is at the bridge finds the rules there.
                self.load(request, &[])?;
                joining.join(zone, channel)?;
                Vec::new()
            }
            (Source::Zone(_), None) => return Err(Error::new("there is no bridge to join")),
            (Source::Here | Source::Elsewhere(_), _) => self.found_by(request, channel)?,
        };
        channel.send_event(&Event::Routers(routers)).map_err(|error| Error::new(error.to_string()))
    }

    /// Waits for a way out that somebody makes; the routers by which this computer is reached.
    fn found_by(&self, request: &Request, channel: &Channel) -> Result<Vec<IpAddr>> {
        let uplink = self.way_out(request.host.routes == [true; 2], channel)?;
        // Elsewhere the router is the router.
        let to_host = request.policy.network_rules.may_reach_host();
        let routers = if to_host { uplink.gateways() } else { Vec::new() };
        self.load(request, &routers)?;
        Ok(routers)
    }

    /// Has the rules count; this computer is reached by those routers as well.
    fn load(&self, request: &Request, routers: &[IpAddr]) -> Result<()> {
        let host: Vec<IpAddr> = request.host.addresses.iter().chain(routers).copied().collect();
        let rules: &Rules = &request.policy.network_rules;
        let link = OnLink::of(request.policy.zone.as_ref());
        let spec = Spec::new(rules, &host, Generation::MIN).on(link);
        self.control.load(&network::ruleset(&spec, &[], None)?)?;
        self.control.apply(&network::accounting()?)
    }

    /// Waits for the way out until it leads out of this network; and a moment for both families.
    fn way_out(&self, both: bool, channel: &Channel) -> Result<Uplink> {
        let alive = Some(channel.as_fd());
        let Source::Elsewhere(Elsewhere { look, own, users }) = &self.from else {
            return network::wait_for_uplink(self.until, both, alive);
        };
        let uplink = look.wait_for_uplink(self.until, both, alive)?;
        look.move_link(uplink.index, own)?;
        network::adopt(&uplink, users)?;
        Ok(uplink)
    }
}

impl Joining {
    /// Waits for the bridge, joins it, and waits until the app has its addresses there.
    fn join(&self, zone: &Zone, channel: &Channel) -> Result<()> {
        let alive = Some(channel.as_fd());
        let awaited = || {
            let event = Event::Awaited(zone.bridge().to_string());
            channel.send_event(&event).map_err(|error| Error::new(error.to_string()))
        };
        let until = Instant::now() + BRIDGE;
        let bridge = self.bridges.wait_for(zone.bridge(), until, alive, awaited)?;
        self.bridges.join(bridge, &self.own, zone)?;
        network::wait_for_addresses(&self.look, zone, Instant::now() + PATIENCE, alive)
    }
}
