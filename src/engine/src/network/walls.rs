//! The rules that count in a sandbox's network, and how they change while it is in use: by who has the
//! socket and the right to it.

use super::control::Control;
use super::live::{add_answer, add_names};
use super::ruleset::ruleset;
use super::spec::{Answer, Generation, LiveName, OnLink, Spec};
use crate::error::{Error, Result};
use arkose_profile::net::Rules;
use arkose_protocol::{Counted, Decided, Named, Steer, Steered};
use std::net::IpAddr;
use std::os::fd::AsFd;

/// The socket, and what the rules came to that were loaded over it.
#[derive(Debug)]
pub struct Walls<Fd> {
    control: Control<Fd>,
    spec: Spec,
}

impl<Fd: AsFd> Walls<Fd> {
    /// These rules are loaded already.
    #[must_use]
    pub fn new(control: Control<Fd>, rules: &Rules, host: &[IpAddr], number: Generation) -> Self {
        Self { control, spec: Spec::new(rules, host, number) }
    }

    /// The same on that link.
    #[must_use]
    pub fn on(self, link: OnLink) -> Self {
        Self { spec: self.spec.on(link), ..self }
    }

    /// Does what is asked. What could not be done has changed nothing.
    pub fn steer(&mut self, asked: &Steer) -> Steered {
        let done = match asked {
            Steer::Load { rules, host, generation, names } => {
                self.load(rules, host, *generation, names)
            }
            Steer::Learn(names) => self.learn(names),
            Steer::Decide(decided) => self.decide(decided),
            Steer::Count => return self.count().map_or(Steered::Refused, Steered::Counted),
            Steer::Connections => {
                return self.control.connections().map_or(Steered::Refused, Steered::Open);
            }
        };
        done.map_or(Steered::Refused, |()| Steered::Done)
    }

    fn load(
        &mut self,
        rules: &Rules,
        host: &[IpAddr],
        number: Generation,
        names: &[Named],
    ) -> Result<()> {
        let before = self.spec.generation;
        // Flows that were allowed are known by the number.
        if number <= before {
            return Err(Error::new("the rules of the network are older than those that count"));
        }
        let spec = Spec::new(rules, host, number).on(self.spec.link);
        self.control.load(&ruleset(&spec, &live(&spec, names), Some(before))?)?;
        self.spec = spec;
        Ok(())
    }

    fn learn(&self, names: &[Named]) -> Result<()> {
        let batch = add_names(&self.spec, &live(&self.spec, names))?;
        batch.map_or(Ok(()), |batch| self.control.apply(&batch))
    }

    fn decide(&self, decided: &Decided) -> Result<()> {
        let Decided { address, protocol, port, allow, time } = *decided;
        let answer = Answer { address, protocol, port, allow, time };
        self.control.apply(&add_answer(self.spec.generation, &answer)?)
    }

    fn count(&self) -> Result<Vec<Counted>> {
        let counts = self.control.counts()?.into_iter();
        Ok({ counts }
            .map(|one| Counted {
                address: one.address,
                protocol: one.protocol,
                port: one.port,
                sent: one.sent.bytes,
                received: one.received.bytes,
            })
            .collect())
    }
}

/// What names lead to, by what the rules came to.
fn live(spec: &Spec, names: &[Named]) -> Vec<LiveName> {
    let one = |named: &Named, name: &String| spec.live(name, named.address, named.time);
    names.iter().flat_map(|named| named.names.iter().flat_map(|name| one(named, name))).collect()
}
