//! What an app is told that may not, and what is told of it.

use super::{Filter, Shared, Verdict};
use crate::events::{Event, LONGEST};
use crate::fields::Header;
use crate::frame::NO_START;
use crate::grammar::is_unique;
use crate::message::Answering;
use arkose_profile::bus::{Rule, Subject};

pub(super) const DENIED: &str = "org.freedesktop.DBus.Error.AccessDenied";
pub(super) const LIMIT: &str = "org.freedesktop.DBus.Error.LimitsExceeded";
pub(super) const UNKNOWN: &str = "org.freedesktop.DBus.Error.ServiceUnknown";

/// What dbus-daemon says of a name that nobody has.
pub(super) fn unknown(name: &str) -> String {
    format!("The name {name} was not provided by any .service files")
}

pub(super) fn worded(rule: &Rule) -> String {
    format!("{} {rule}", rule.access)
}

impl Filter {
    pub(super) fn drop_signal(
        &self,
        header: &Header<'_>,
        subject: &Subject<'_>,
        rule: Option<&Rule>,
        shared: &mut Shared,
    ) -> Verdict {
        self.tell_denied("signal", header, subject, rule, shared);
        Verdict::Drop
    }

    pub(super) fn deny(
        &mut self,
        header: &Header<'_>,
        subject: &Subject<'_>,
        rule: Option<&Rule>,
        shared: &mut Shared,
    ) -> Verdict {
        self.tell_denied("call", header, subject, rule, shared);
        self.error(header, DENIED, "no rule allows this call")
    }

    fn tell_denied(
        &self,
        kind: &'static str,
        header: &Header<'_>,
        subject: &Subject<'_>,
        rule: Option<&Rule>,
        shared: &mut Shared,
    ) {
        let would_allow = rule.is_none().then(|| self.would_allow(header, subject)).flatten();
        shared.events.tell(Event {
            event: "denied",
            rule: rule.map(worded),
            would_allow,
            ..self.event(header, kind, subject)
        });
    }

    pub(super) fn hide(
        &mut self,
        header: &Header<'_>,
        destination: &str,
        subject: &Subject<'_>,
        shared: &mut Shared,
    ) -> Verdict {
        shared.events.tell(Event {
            event: "denied",
            would_allow: self.would_allow(header, subject),
            reason: Some("the name is hidden".to_owned()),
            ..self.event(header, "call", subject)
        });
        // As a bus has it.
        if header.frame.flags & NO_START != 0 {
            let text = format!("Name \"{destination}\" does not exist");
            self.error(header, "org.freedesktop.DBus.Error.NameHasNoOwner", &text)
        } else {
            self.error(header, UNKNOWN, &unknown(destination))
        }
    }

    /// Refuses a call to the bus itself.
    pub(super) fn refuse(
        &mut self,
        header: &Header<'_>,
        kind: &'static str,
        text: &str,
        shared: &mut Shared,
    ) -> Verdict {
        let subject = Subject {
            path: header.path.unwrap_or_default(),
            interface: header.interface,
            member: header.member.unwrap_or_default(),
            arg0: None,
        };
        shared.events.tell(Event {
            event: "denied",
            reason: Some(text.to_owned()),
            ..self.event(header, kind, &subject)
        });
        self.error(header, DENIED, text)
    }

    pub(super) fn too_many_calls(&mut self, header: &Header<'_>) -> Verdict {
        self.error(header, LIMIT, "too many calls of this connection have no reply")
    }

    pub(super) fn error(&mut self, header: &Header<'_>, name: &str, text: &str) -> Verdict {
        self.answer(header, |answering| answering.error(name, text))
    }

    pub(super) fn answer(
        &mut self,
        header: &Header<'_>,
        write: impl FnOnce(Answering<'_>) -> Vec<u8>,
    ) -> Verdict {
        if !header.frame.wants_reply() {
            return Verdict::Drop;
        }
        self.answer_serial = self.answer_serial.checked_add(1).unwrap_or(1);
        let (call, serial) = (header.frame.serial, self.answer_serial);
        Verdict::Answer(write(Answering { call, serial, to: self.unique.as_deref() }))
    }

    pub(super) fn event<'e>(
        &'e self,
        header: &Header<'e>,
        kind: &'static str,
        subject: &Subject<'e>,
    ) -> Event<'e> {
        Event {
            bus: self.bus(),
            kind,
            destination: header.destination,
            path: Some(subject.path),
            interface: subject.interface,
            member: Some(subject.member),
            arg0: subject.arg0,
            ..Event::default()
        }
    }

    /// The narrowest rule that would allow a call.
    fn would_allow(&self, header: &Header<'_>, subject: &Subject<'_>) -> Option<String> {
        let destination = header.destination?;
        if subject.path.len() > LONGEST {
            return None;
        }
        let name = match is_unique(destination) {
            true => self.peers.names(destination).next()?,
            false => destination,
        };
        let interface = subject.interface?;
        Some(format!("call = {name}={interface}.{}@{}", subject.member, subject.path))
    }
}
