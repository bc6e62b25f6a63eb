//! Messages of the app: calls and signals by the rules, and answers to whom it was called by.

use super::names::Names;
use super::refusal::worded;
use super::{Awaited, Filter, Shared, Verdict, argument, driver, told};
use crate::events::Event;
use crate::fault::Fault;
use crate::fields::Header;
use crate::frame::Kind;
use crate::grammar::BUS;
use arkose_profile::bus::Decision;

impl Filter {
    /// Judges a message of the app, of which at least the header is here.
    ///
    /// # Errors
    /// When no honest app sends such a message.
    pub fn outgoing(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        if header.sender.is_some() && header.sender != self.unique.as_deref() {
            return Err(Fault::Sender);
        }
        if !self.greeted && !driver::is_hello(header) {
            return Err(Fault::NoHello);
        }
        // Whatever the bus answers before it has answered the proxy could have a serial of the proxy's own.
        if self.greeted && !self.is_synced() {
            return Ok(Verdict::Wait);
        }
        // libdbus ends a call with anything that has its serial, of whatever kind.
        if header.reply_to.is_some() && !header.frame.kind.is_reply() {
            return Err(Fault::NoReply);
        }
        match header.frame.kind {
            Kind::Call => self.call(header, message, shared),
            Kind::Return | Kind::Error => Ok(self.reply(header, shared)),
            Kind::Signal => self.signal(header, message, shared),
        }
    }

    pub(super) fn call(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        if self.calls.contains_key(&header.frame.serial) {
            return Err(Fault::SerialReuse);
        }
        let Some(destination) = header.destination else {
            // The library in the bus would answer.
            let ping = (header.interface, header.member)
                == (Some("org.freedesktop.DBus.Peer"), Some("Ping"));
            return Ok(if ping {
                self.answer(header, |answering| answering.nothing())
            } else {
                self.refuse(header, "driver", "a call says whom it is for", shared)
            });
        };
        if destination == BUS {
            return self.driver(header, message, shared);
        }
        if self.unique.as_deref() == Some(destination) {
            return Ok(self.pass(header, Awaited::App(self.callee(destination))));
        }
        if let Some(need) = self.need(header, message)? {
            return Ok(Verdict::Need(need));
        }
        let (policy, names) = (self.policy.clone(), Names::called(destination));
        let subject = told(header, message);
        Ok(match names.of(&policy.rules, self, destination, &subject) {
            Decision::Allow(rule) => {
                if shared.events.wants_allowed() {
                    shared.events.tell(Event {
                        event: "allowed",
                        rule: Some(worded(rule)),
                        ..self.event(header, "call", &subject)
                    });
                }
                self.pass(header, Awaited::App(self.callee(destination)))
            }
            Decision::Ask(rule) => self.ask(header, message, destination, &subject, rule, shared),
            Decision::Deny(rule) => self.deny(header, &subject, rule, shared),
            Decision::Hidden if self.peers.is_visible(destination) => {
                self.deny(header, &subject, None, shared)
            }
            Decision::Hidden => self.hide(header, destination, &subject, shared),
        })
    }

    /// How many bytes of a message have to be here to judge it, when there are less.
    fn need(&self, header: &Header<'_>, message: &[u8]) -> Result<Option<usize>, Fault> {
        if self.policy.rules.looks_at_arg0() {
            return Ok(argument(header, message)?.err());
        }
        Ok(None)
    }

    pub(super) fn signal(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        // What an app tells everybody is heard by whoever listens to it.
        let Some(destination) = header.destination else { return Ok(Verdict::Pass) };
        if self.unique.as_deref() == Some(destination) {
            return Ok(Verdict::Pass);
        }
        if let Some(need) = self.need(header, message)? {
            return Ok(Verdict::Need(need));
        }
        let (policy, names) = (self.policy.clone(), Names::called(destination));
        let subject = told(header, message);
        match names.of(&policy.rules, self, destination, &subject) {
            Decision::Allow(_) => Ok(Verdict::Pass),
            Decision::Deny(rule) => Ok(self.drop_signal(header, &subject, rule, shared)),
            Decision::Ask(_) | Decision::Hidden => {
                Ok(self.drop_signal(header, &subject, None, shared))
            }
        }
    }

    /// The app answers whoever called it, once, and nobody else.
    pub(super) fn reply(&mut self, header: &Header<'_>, shared: &mut Shared) -> Verdict {
        let (Some(to), Some(serial)) = (header.destination, header.reply_to) else {
            return Verdict::Drop;
        };
        let own = self.unique.as_deref() == Some(to);
        if own || self.peers.answered(to, serial) {
            return Verdict::Pass;
        }
        shared.events.tell(Event {
            event: "denied",
            bus: self.bus(),
            kind: "call",
            destination: Some(to),
            reason: Some("it answers a call that was not made".to_owned()),
            ..Event::default()
        });
        Verdict::Drop
    }
}
