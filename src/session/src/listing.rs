//! When a sandbox takes its place among those that run, and what is done there in the supervisor's
//! loop. Nothing of it happens before the app runs, nor for one that ends at once.

use crate::bus::{Bus, Ring};
use crate::error::Error;
use crate::events::Events;
use crate::facts::Facts;
use crate::helper::Helper;
use crate::network::{Network, Told};
use crate::registry::{Answers, Asked, Registry};
use crate::runtime::Runtime;
use crate::spec::LaunchSpec;
use arkose_protocol::NetworkPart;
use nix::poll::PollFlags;
use serde_json::{Value, json};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long an app must have lived for its sandbox to be listed.
const MOMENT: Duration = Duration::from_millis(20);

/// The place of one sandbox, taken or not.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    spec: &'a LaunchSpec,
    runtime: &'a Runtime,
    registry: Option<Registry>,
    due: Option<Instant>,
    /// It was time, and the first process not known.
    missed: bool,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(spec: &'a LaunchSpec, runtime: &'a Runtime) -> Self {
        Self { spec, runtime, registry: None, due: None, missed: false }
    }

    /// Tells portals of its first process.
    pub(crate) fn introduce(&self, bus: &Bus, first: i32) {
        bus.introduce(self.runtime, first, self.spec);
    }

    /// Hands a part of its network over to what serves it.
    pub(crate) fn connect(
        &self,
        network: &mut Network,
        part: NetworkPart,
        fd: OwnedFd,
        spec: &LaunchSpec,
    ) -> Result<(), Error> {
        network.take(part, fd, spec, self.runtime)
    }

    /// The app runs.
    pub(crate) fn started(&mut self) {
        self.due = Some(Instant::now() + MOMENT);
    }

    /// The first process is known now.
    pub(crate) fn known(&mut self) {
        if std::mem::take(&mut self.missed) {
            self.due = Some(Instant::now());
        }
    }

    /// When there is something to be done though nothing happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes the place when it is time. A sandbox that cannot be listed runs nevertheless.
    pub(crate) fn take(&mut self, helper: &Helper, first: Option<i32>) {
        if self.due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.due = None;
        self.missed = first.is_none();
        let Some(first) = first else { return };
        let facts = Facts::of(self.spec, self.runtime.id(), helper, first);
        self.registry = Registry::open(self.runtime, &facts).ok();
    }

    /// What is waited for.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        self.registry.iter().flat_map(Registry::wanted)
    }

    /// Does what there is to do; `ready` is in the order of [`wanted`](Self::wanted).
    pub(crate) fn serve(&mut self, ready: &[PollFlags], log: &Ring) -> Vec<Asked> {
        let (Some(registry), true) = (&mut self.registry, !ready.is_empty()) else {
            return Vec::new();
        };
        registry.serve(ready, self.spec, log)
    }

    /// What the network has answered, for whoever asked.
    pub(crate) fn answer(&mut self, told: &Told) {
        if let Some(registry) = &mut self.registry {
            registry.answer(told);
        }
    }

    /// Tells what has happened to whoever follows.
    pub(crate) fn tell(&mut self, events: &mut Events) {
        if let Some(registry) = &mut self.registry {
            registry.tell(events);
        }
    }
}

impl Answers for LaunchSpec {
    fn about(&self) -> Value {
        json!({ "policy": self.explained.as_ref().map(|explained| (explained.0)()) })
    }
}
