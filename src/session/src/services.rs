//! The services of the host that one policy grants, started and ready.

use crate::bus::{Bus, Starting};
use crate::display::{self, Display};
use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside};
use crate::host::Host;
use crate::network::Network;
use crate::questions::Questions;
use crate::runtime::Runtime;
use crate::spec::LaunchSpec;
use crate::{sound, wayland};
use arkose_profile::{Wayland, XServer};
use std::os::fd::BorrowedFd;

/// What a sandbox uses of the host; dropping it ends what was started for it.
#[derive(Debug, Default)]
pub(crate) struct Services {
    display: Option<Box<dyn Display>>,
    /// The message buses.
    pub(crate) bus: Option<Bus>,
    /// A network with rules.
    pub(crate) network: Option<Network>,
    /// What the user is asked.
    pub(crate) questions: Questions,
    others: Vec<Grant>,
}

impl Services {
    /// Starts what the policy grants; given up when `stop` is readable.
    pub(crate) fn start(
        spec: &LaunchSpec,
        host: &Host,
        inside: &Inside,
        runtime: &Runtime,
        stop: BorrowedFd<'_>,
    ) -> Result<Self, Error> {
        let policy = &spec.policy;
        // Before anything is started for what could not be had.
        let network = Network::prepare(spec)?;
        // Its proxy gets ready while the others are started.
        let bus = Starting::begin(spec, host, inside, runtime, stop)?;
        let display = match policy.xserver {
            XServer::None => None,
            XServer::Direct => Some(display::direct(host, inside)?),
            XServer::Isolated => Some(display::isolated(&display::Request {
                host,
                inside,
                title: &spec.title,
                runtime,
                backend: spec.display,
                stop: Some(stop),
            })?),
        };
        display.iter().flat_map(|display| display.notes()).for_each(spec.note);
        let mut others = Vec::new();
        if policy.wayland == Wayland::Direct {
            others.push(wayland::direct(host, inside)?);
        }
        if policy.pulseaudio {
            match sound::direct(host, inside) {
                Ok(grant) => others.push(grant),
                // An app that could play is of use without sound, and reaches less than it may.
                Err(error) if error.kind() == Kind::NoSound => (spec.note)(&error),
                Err(error) => return Err(error),
            }
        }
        let bus = bus.map(Starting::ready).transpose()?;
        Ok(Self { display, bus, network, questions: Questions::default(), others })
    }

    /// What the sandbox gets of all of them.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &Grant> {
        let display = self.display.iter().map(|display| display.grant());
        display.chain(self.bus.iter().map(Bus::grant)).chain(&self.others)
    }

    /// Descriptors that become readable when something may have ended.
    pub(crate) fn watched(&self) -> Vec<BorrowedFd<'_>> {
        let display = self.display.iter().flat_map(|display| display.watched());
        display.chain(self.network.iter().flat_map(Network::watched)).collect()
    }

    /// Why a service that the app needs is gone, if one is.
    pub(crate) fn ended(&mut self) -> Option<Error> {
        let display = self.display.as_mut().and_then(|display| display.ended());
        display.or_else(|| self.network.as_mut().and_then(Network::ended))
    }
}
