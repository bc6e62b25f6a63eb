//! Messages of the bus's side: replies to calls that were made, signals that a rule lets in, and calls
//! of others, which the app may answer.

use super::{Awaited, Filter, Policy, Shared, Verdict, argument, told};
use crate::events::Event;
use crate::fault::Fault;
use crate::fields::Header;
use crate::frame::Kind;
use crate::grammar::{BUS, BUS_PATH, is_unique};
use crate::message::{Answering, bus_call};
use arkose_profile::bus::NamePattern;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The most bytes of a message of the bus that the proxy reads.
const LONGEST: usize = 16 << 20;

impl Filter {
    /// Judges a message of the bus, of which at least the header is here.
    ///
    /// # Errors
    /// When no honest bus sends such a message.
    pub fn incoming(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        // What is said without a sender, as the reply to a Ping that is for nobody, says the bus itself.
        let sender = header.sender.unwrap_or(BUS);
        // What is no reply and says so could be taken for one.
        let pretends = header.reply_to.is_some() && !header.frame.kind.is_reply();
        if pretends || !self.is_for_app(header) {
            return Ok(Verdict::Drop);
        }
        match header.frame.kind {
            Kind::Return | Kind::Error => self.replied(header, sender, message),
            Kind::Call => {
                let serial = header.frame.wants_reply().then_some(header.frame.serial);
                let own = self.unique.as_deref() == Some(sender);
                let known = own || self.peers.called(sender, serial);
                Ok(if known { Verdict::Pass } else { Verdict::Drop })
            }
            Kind::Signal if sender == BUS => self.bus_signal(header, message),
            Kind::Signal => self.heard(header, sender, message, shared),
        }
    }

    /// Nobody's messages to others are shown, should a bus ever hand them out.
    fn is_for_app(&self, header: &Header<'_>) -> bool {
        match (header.destination, self.unique.as_deref()) {
            (None, _) => header.frame.kind == Kind::Signal || header.sender.is_none(),
            // The reply to Hello is how the app learns its name.
            (Some(_), None) => true,
            (Some(to), Some(own)) => to == own || self.policy.rules.owns(to),
        }
    }

    fn replied(
        &mut self,
        header: &Header<'_>,
        sender: &str,
        message: &[u8],
    ) -> Result<Verdict, Fault> {
        let Some(serial) = header.reply_to else { return Ok(Verdict::Drop) };
        let of_bus = sender == BUS;
        let total = header.frame.total;
        let whole = match self.calls.get(&serial) {
            None | Some(Awaited::Held) => return Ok(Verdict::Drop),
            // Names are looked through whatever they answer: an error of the bus for a call that wanted no
            // reply may have come under the serial of the call that they are for.
            Some(Awaited::App(_)) if of_bus && header.signature == "as" && total > LONGEST => {
                return Err(Fault::Reply);
            }
            Some(Awaited::App(_))
                if of_bus && header.signature == "as" && message.len() < total =>
            {
                return Ok(Verdict::Need(total));
            }
            Some(Awaited::App(_)) if of_bus && header.signature == "as" => {
                self.calls.remove(&serial);
                return self.names_seen(header, message.get(..total).unwrap_or_default(), serial);
            }
            Some(Awaited::App(callee)) => {
                // The bus itself says that there is no answer.
                let right =
                    of_bus || callee.as_ref().is_some_and(|callee| self.is_by(callee, sender));
                if right {
                    self.calls.remove(&serial);
                }
                return Ok(if right { Verdict::Pass } else { Verdict::Drop });
            }
            Some(_) if !of_bus => return Ok(Verdict::Drop),
            Some(_) if total > LONGEST => return Err(Fault::Reply),
            Some(_) if message.len() < total => return Ok(Verdict::Need(total)),
            Some(_) => message.get(..total).unwrap_or_default(),
        };
        let Some(awaited) = self.calls.remove(&serial) else { return Ok(Verdict::Drop) };
        self.read(header, whole, serial, awaited)
    }

    /// A reply that the proxy reads itself.
    fn read(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        serial: u32,
        awaited: Awaited,
    ) -> Result<Verdict, Fault> {
        let returned = header.frame.kind == Kind::Return;
        match awaited {
            Awaited::Hello if returned => {
                let unique = header.body(message).text()?;
                if !is_unique(unique) {
                    return Err(Fault::Reply);
                }
                self.unique = Some(unique.to_owned());
                Ok(Verdict::Begin(self.questions()))
            }
            Awaited::Names if returned => self.names_seen(header, message, serial),
            Awaited::OwnNames => {
                self.unsynced -= 1;
                let names = if returned { names(header, message)? } else { Vec::new() };
                let policy = self.policy.clone();
                let wanted =
                    |name: &&str| !name.starts_with(':') && *name != BUS && policy.is_named(name);
                let asked = names.into_iter().filter(wanted);
                Ok(Verdict::Follow(asked.map(|name| self.ask_owner(name)).collect()))
            }
            Awaited::OwnOwner(name) => {
                self.unsynced -= 1;
                if returned {
                    let owner = header.body(message).text()?;
                    if header.signature != "s" || !is_unique(owner) && owner != BUS {
                        return Err(Fault::Reply);
                    }
                    self.owner_is(&name, Some(owner));
                }
                Ok(Verdict::Drop)
            }
            // What is not heard of would be judged by what was once known of it.
            Awaited::OwnWatch if !returned => Err(Fault::Reply),
            Awaited::OwnWatch => {
                self.unsynced -= 1;
                Ok(Verdict::Drop)
            }
            Awaited::Nothing => Ok(Verdict::Drop),
            _ => Ok(Verdict::Pass),
        }
    }

    /// A list of names, without those that the app does not see.
    fn names_seen(
        &self,
        header: &Header<'_>,
        message: &[u8],
        serial: u32,
    ) -> Result<Verdict, Fault> {
        let seen = names(header, message)?.into_iter().filter(|name| self.sees(name));
        let to = self.unique.as_deref();
        let answering = Answering { call: serial, serial: header.frame.serial, to };
        Ok(Verdict::Replace(answering.names(seen)))
    }

    /// What the proxy asks the bus about the names that its rules have.
    fn questions(&mut self) -> Vec<Vec<u8>> {
        let policy: Rc<Policy> = self.policy.clone();
        let mut exact = BTreeSet::new();
        let mut below = BTreeSet::new();
        for rule in policy.rules.iter() {
            match &rule.name {
                NamePattern::Exact(name) => exact.insert(name.as_str()),
                NamePattern::Below(name) => below.insert(name.as_str()),
                // The bus knows no such pattern, but the names beside it.
                NamePattern::Numbered(stem) => {
                    stem.rsplit_once('.').is_some_and(|(above, _)| below.insert(above))
                }
                NamePattern::Any => false,
            };
        }
        exact.remove(BUS);
        let mut all = Vec::new();
        // To be told first, and then to ask, so that nothing is missed between the two.
        for name in &exact {
            all.push(self.watch(&format!(",arg0='{name}'")));
            all.push(self.ask_owner(name));
        }
        for name in &below {
            all.push(self.watch(&format!(",arg0namespace='{name}'")));
        }
        let needs_all = policy.needs_all();
        if needs_all {
            all.push(self.watch(""));
        }
        if needs_all || !below.is_empty() {
            let serial = self.own_call(Awaited::OwnNames);
            all.push(bus_call(serial, 0, "ListNames", None));
        }
        all
    }

    /// With the path, as no rule of an app's has it: none can withdraw it.
    fn watch(&mut self, which: &str) -> Vec<u8> {
        let rule = format!(
            "type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',\
             path='{BUS_PATH}'{which}"
        );
        let serial = self.own_call(Awaited::OwnWatch);
        bus_call(serial, 0, "AddMatch", Some(&rule))
    }

    fn ask_owner(&mut self, name: &str) -> Vec<u8> {
        let serial = self.own_call(Awaited::OwnOwner(name.to_owned()));
        bus_call(serial, 0, "GetNameOwner", Some(name))
    }

    fn own_call(&mut self, awaited: Awaited) -> u32 {
        let serial = self.own_serial();
        self.calls.insert(serial, awaited);
        self.unsynced += 1;
        serial
    }

    /// A serial that no call has which waits for a reply.
    fn own_serial(&mut self) -> u32 {
        loop {
            let serial = self.own_serial;
            self.own_serial = if serial == 1 { u32::MAX } else { serial - 1 };
            if !self.calls.contains_key(&serial) {
                return serial;
            }
        }
    }

    fn owner_is(&mut self, name: &str, owner: Option<&str>) {
        self.peers.owned(name, owner);
        if let Some(owner) = owner
            && self.policy.rules.sees(self.peers.names(owner))
        {
            self.peers.show(owner);
        }
    }

    fn bus_signal(&mut self, header: &Header<'_>, message: &[u8]) -> Result<Verdict, Fault> {
        if (header.interface, header.member) != (Some(BUS), Some("NameOwnerChanged")) {
            return Ok(Verdict::Pass);
        }
        let total = header.frame.total;
        if header.signature != "sss" || total > LONGEST {
            return Err(Fault::Reply);
        }
        if message.len() < total {
            return Ok(Verdict::Need(total));
        }
        let mut body = header.body(message.get(..total).unwrap_or_default());
        let (name, _old, new) = (body.text()?, body.text()?, body.text()?);
        let seen = self.sees(name) || self.policy.sloppy_names && is_unique(name);
        if !is_unique(name) {
            if self.policy.is_named(name) {
                self.owner_is(name, (!new.is_empty()).then_some(new));
            }
        } else if new.is_empty() {
            self.peers.gone(name);
        }
        Ok(if seen { Verdict::Pass } else { Verdict::Drop })
    }

    /// A signal of another connection.
    fn heard(
        &self,
        header: &Header<'_>,
        sender: &str,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        let rules = &self.policy.rules;
        if self.unique.as_deref() == Some(sender) {
            return Ok(Verdict::Pass);
        }
        if rules.looks_at_arg0()
            && let Some(need) = argument(header, message)?.err()
        {
            return Ok(Verdict::Need(need));
        }
        let subject = told(header, message);
        if rules.broadcast(self.peers.names(sender), &subject) {
            return Ok(Verdict::Pass);
        }
        let name = self.peers.names(sender).next();
        shared.events.tell(Event {
            event: "denied",
            bus: self.bus(),
            kind: "signal",
            destination: name.or(Some(sender)),
            path: Some(subject.path),
            interface: subject.interface,
            member: Some(subject.member),
            arg0: subject.arg0,
            would_allow: name.zip(subject.interface).map(|(name, interface)| {
                format!("broadcast = {name}={interface}.{}@{}", subject.member, subject.path)
            }),
            ..Event::default()
        });
        Ok(Verdict::Drop)
    }
}

/// A body that is a list of names.
fn names<'m>(header: &Header<'_>, message: &'m [u8]) -> Result<Vec<&'m str>, Fault> {
    if header.signature != "as" {
        return Err(Fault::Reply);
    }
    let mut body = header.body(message);
    let length = body.u32()? as usize;
    let end = body.position() + length;
    let mut names = Vec::new();
    while body.position() < end {
        names.push(body.text()?);
    }
    Ok(names)
}
