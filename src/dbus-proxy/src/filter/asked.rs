//! Calls that wait for an answer of the person's.

use super::names::Names;
use super::refusal::{DENIED, worded};
use super::{Awaited, Filter, Shared, Verdict, told};
use crate::ask::{Asked, Carried, Question};
use crate::events::Event;
use crate::fields::Header;
use crate::grammar::is_unique;
use arkose_profile::bus::{Decision, Rule, Subject, TextPattern};

/// The most bytes of one connection's calls that wait.
const MOST_HELD: usize = 1 << 20;
/// The most such calls.
const MOST_HELD_CALLS: usize = 64;

/// Whether the first argument is as much of what is asked as the method. Without an interface the method
/// may be one of those that are for all of them.
fn says_what(header: &Header<'_>, rule: &Rule) -> bool {
    let general = header.interface.is_none_or(|name| name == "org.freedesktop.DBus.Properties");
    general || rule.filter.arg0 != TextPattern::Any
}

impl Filter {
    pub(super) fn ask(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        destination: &str,
        subject: &Subject<'_>,
        rule: &Rule,
        shared: &mut Shared,
    ) -> Verdict {
        // A person knows names, not numbers; and is asked about the name that the rule is about.
        let (owner, name) = match is_unique(destination) {
            true => (Some(destination), None),
            false => (self.peers.owner(destination), Some(destination)),
        };
        let name = name.filter(|name| rule.name.matches(name)).or_else(|| {
            self.peers.names(owner.unwrap_or_default()).find(|name| rule.name.matches(name))
        });
        let question = Question {
            bus: self.bus().to_owned(),
            destination: name.unwrap_or(destination).to_owned(),
            interface: header.interface.map(str::to_owned),
            member: subject.member.to_owned(),
            path: subject.path.to_owned(),
            arg0: subject.arg0.filter(|_| says_what(header, rule)).map(str::to_owned),
        };
        let total = header.frame.total;
        let room = self.held_calls < MOST_HELD_CALLS && self.held_bytes + total <= MOST_HELD;
        let rule_text = worded(rule);
        match shared.asks.known(&question) {
            Some(true) => return self.pass(header, Awaited::App(self.callee(destination))),
            Some(false) => return self.deny(header, subject, Some(rule), shared),
            None if !room => return self.deny(header, subject, Some(rule), shared),
            None if message.len() < total => return Verdict::Need(total),
            None => {}
        }
        let body = message.get(header.frame.header..total).unwrap_or_default();
        let carried = Carried { arg0: subject.arg0, signature: header.signature, body };
        match shared.asks.ask(&question, carried, &rule_text, &mut shared.events) {
            Asked::Known(_) => self.deny(header, subject, Some(rule), shared),
            Asked::Wait(number) => {
                shared.events.tell(Event {
                    event: "asked",
                    rule: Some(rule_text),
                    ..self.event(header, "call", subject)
                });
                self.held_bytes += total;
                self.held_calls += 1;
                if header.frame.wants_reply() {
                    self.calls.insert(header.frame.serial, Awaited::Held);
                }
                Verdict::Hold(number)
            }
        }
    }

    /// A call that was held goes through, or is refused: what its caller is told then.
    pub fn released(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        allow: bool,
    ) -> Option<Vec<u8>> {
        self.held_bytes -= header.frame.total.min(self.held_bytes);
        self.held_calls -= 1.min(self.held_calls);
        // One that wants no reply has none to wait for, and another call may have its serial.
        if header.frame.wants_reply() {
            self.calls.remove(&header.frame.serial);
        }
        if allow && !self.is_denied_now(header, message) {
            let callee = header.destination.and_then(|destination| self.callee(destination));
            self.pass(header, Awaited::App(callee));
            return None;
        }
        match self.error(header, DENIED, "this was not allowed") {
            Verdict::Answer(message) => Some(message),
            _ => None,
        }
    }

    /// Whether a call that was held is one to what is refused by now: another may have taken the name.
    fn is_denied_now(&self, header: &Header<'_>, message: &[u8]) -> bool {
        let Some(destination) = header.destination else { return true };
        let (policy, names) = (self.policy.clone(), Names::called(destination));
        let decision = names.of(&policy.rules, self, destination, &told(header, message));
        matches!(decision, Decision::Deny(Some(_)))
    }
}
