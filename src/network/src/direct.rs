//! The tables of the kernel, changed by this program itself: over a socket that was opened in the
//! sandbox's network, and heard by the kernel because the user who built the sandbox owns it.

use crate::flow::{Connection, Destination, Traffic};
use crate::names::Live;
use crate::policy::{NotTaken, Progress};
use crate::walls::{Answer, Control, Generation, Table};
use arkose_engine::network::{self, LiveName, Spec};
use std::os::fd::OwnedFd;

/// The socket, and what the rules came to.
#[derive(Debug)]
pub struct Direct {
    socket: network::Control<OwnedFd>,
    spec: Spec,
}

fn not_taken(_: arkose_engine::Error) -> NotTaken {
    NotTaken
}

fn spec(table: &Table) -> Spec {
    Spec::new(&table.rules, &table.host, table.generation)
}

impl Direct {
    /// With a socket that was opened in the sandbox's network, where that table is loaded.
    #[must_use]
    pub fn new(socket: OwnedFd, table: &Table) -> Self {
        Self { socket: network::Control::new(socket), spec: spec(table) }
    }
}

/// What names lead to, by what the rules came to.
fn live(spec: &Spec, names: &[Live]) -> Vec<LiveName> {
    let one = |live: &Live, name: &String| spec.live(name, live.address, live.time);
    names.iter().flat_map(|live| live.names.iter().flat_map(|name| one(live, name))).collect()
}

impl Control for Direct {
    fn load(
        &mut self,
        table: &Table,
        before: Generation,
        names: &[Live],
    ) -> Result<Progress, NotTaken> {
        let spec = spec(table);
        let rules = network::ruleset(&spec, &live(&spec, names), Some(before));
        self.socket.load(&rules.map_err(not_taken)?).map_err(not_taken)?;
        self.spec = spec;
        Ok(Progress::Done)
    }

    fn learn(&mut self, _: &Table, names: &[Live]) -> Result<Progress, NotTaken> {
        let batch = network::add_names(&self.spec, &live(&self.spec, names)).map_err(not_taken)?;
        if let Some(batch) = batch {
            self.socket.apply(&batch).map_err(not_taken)?;
        }
        Ok(Progress::Done)
    }

    fn answer(&mut self, table: &Table, answers: &[Answer]) -> Result<Progress, NotTaken> {
        for Answer { to, allow, time } in answers {
            let answer = network::Answer {
                address: to.address,
                protocol: to.protocol,
                port: to.port,
                allow: *allow,
                time: *time,
            };
            let batch = network::add_answer(table.generation, &answer).map_err(not_taken)?;
            self.socket.apply(&batch).map_err(not_taken)?;
        }
        Ok(Progress::Done)
    }

    fn traffic(&mut self) -> Option<Vec<Traffic>> {
        let counts = self.socket.counts().ok()?;
        let one = |one: network::FlowCount| Traffic {
            to: Destination { address: one.address, protocol: one.protocol, port: one.port },
            sent: one.sent.bytes,
            received: one.received.bytes,
        };
        Some(counts.into_iter().map(one).collect())
    }

    fn connections(&mut self) -> Option<Vec<Connection>> {
        let one = |one: network::Connection| Connection {
            to: Destination { address: one.address, protocol: one.protocol, port: one.port },
            generation: one.generation,
        };
        Some(self.socket.connections().ok()?.into_iter().map(one).collect())
    }
}
