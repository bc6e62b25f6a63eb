//! Calls to the bus itself, answered by the policy: what is hidden does not exist.

use super::refusal::{DENIED, UNKNOWN, unknown};
use super::{Awaited, Filter, Shared, Verdict};
use crate::events::Event;
use crate::fault::Fault;
use crate::fields::Header;
use crate::frame::Kind;
use crate::grammar::BUS;
use crate::matchrule::MatchRule;
use crate::message::with_argument;

/// The most bytes of such a call; none has long arguments.
const LONGEST: usize = 64 << 10;

/// Whether it is the call that every connection begins with.
pub(super) fn is_hello(header: &Header<'_>) -> bool {
    header.frame.kind == Kind::Call
        && header.frame.wants_reply()
        && header.destination == Some(BUS)
        && header.interface == Some(BUS)
        && header.member == Some("Hello")
}

impl Filter {
    pub(super) fn driver(
        &mut self,
        header: &Header<'_>,
        message: &[u8],
        shared: &mut Shared,
    ) -> Result<Verdict, Fault> {
        let member = header.member.unwrap_or_default();
        match (header.interface, member) {
            (
                Some("org.freedesktop.DBus.Introspectable" | "org.freedesktop.DBus.Peer"),
                "Introspect" | "Ping" | "GetMachineId",
            )
            | (Some("org.freedesktop.DBus.Properties"), "Get" | "GetAll") => {
                return Ok(self.pass(header, Awaited::App(None)));
            }
            // Without an interface, a bus takes the first that has such a method: that is its own.
            (Some(BUS) | None, member) if is_plain(member) => {
                return Ok(self.plain(header, member));
            }
            (Some(BUS) | None, member) if needs_name(member) => {}
            _ => return Ok(self.refuse(header, "driver", NOT_FOR_APPS, shared)),
        }
        let total = header.frame.total;
        if !header.signature.starts_with('s') || total > LONGEST {
            return Ok(self.refuse(header, "driver", "its first argument is a name", shared));
        }
        if message.len() < total {
            return Ok(Verdict::Need(total));
        }
        let argument = header.body(message.get(..total).unwrap_or_default()).text()?;
        Ok(self.about(header, member, argument, shared))
    }

    /// A call without an argument that matters.
    fn plain(&mut self, header: &Header<'_>, member: &str) -> Verdict {
        let awaited = match member {
            "Hello" if !self.greeted => {
                self.greeted = true;
                Awaited::Hello
            }
            // A bus answers although nobody waits, and that would be taken for another reply.
            "ListNames" | "ListActivatableNames" if !header.frame.wants_reply() => {
                return Verdict::Drop;
            }
            "ListNames" | "ListActivatableNames" => Awaited::Names,
            _ => Awaited::App(None),
        };
        self.pass(header, awaited)
    }

    /// A call about a name, or with a match rule.
    fn about(
        &mut self,
        header: &Header<'_>,
        member: &str,
        argument: &str,
        shared: &mut Shared,
    ) -> Verdict {
        let rules = &self.policy.rules;
        let (allowed, kind, access) = match member {
            "AddMatch" | "RemoveMatch" => return self.match_rule(header, member, argument, shared),
            "RequestName" | "ReleaseName" | "ListQueuedOwners" => {
                (rules.owns(argument), "own", "own")
            }
            "StartServiceByName" => {
                let talks = argument == BUS || rules.talks(std::iter::once(argument));
                (talks, "call", "talk")
            }
            _ => (self.sees(argument), "see", "see"),
        };
        if allowed {
            return self.pass(header, Awaited::App(None));
        }
        let visible = self.sees(argument);
        shared.events.tell(Event {
            event: "denied",
            bus: self.bus(),
            kind,
            destination: Some(argument),
            member: Some(member),
            would_allow: (!argument.starts_with(':')).then(|| format!("{access} = {argument}")),
            ..Event::default()
        });
        match member {
            "NameHasOwner" => self.answer(header, |answering| answering.no()),
            "GetNameOwner" => {
                let text = format!("Could not get owner of name '{argument}': no such name");
                self.error(header, NO_OWNER, &text)
            }
            "StartServiceByName" if !visible => self.error(header, UNKNOWN, &unknown(argument)),
            _ if kind == "see" => {
                let text = format!("The name '{argument}' has no owner");
                self.error(header, NO_OWNER, &text)
            }
            _ => self.error(header, DENIED, "no rule allows this for that name"),
        }
    }

    fn match_rule(
        &mut self,
        header: &Header<'_>,
        member: &str,
        text: &str,
        shared: &mut Shared,
    ) -> Verdict {
        match MatchRule::parse(text) {
            Err(bad) => self.refuse(header, "driver", &bad.to_string(), shared),
            Ok(rule) => match self.pass(header, Awaited::App(None)) {
                Verdict::Pass => Verdict::Replace(with_argument(header, member, &rule.to_string())),
                other => other,
            },
        }
    }
}

const NO_OWNER: &str = "org.freedesktop.DBus.Error.NameHasNoOwner";
const NOT_FOR_APPS: &str = "apps may not call this method of the bus";

/// Methods that say nothing of anybody, or whose reply is filtered.
fn is_plain(member: &str) -> bool {
    matches!(member, "Hello" | "GetId" | "ListNames" | "ListActivatableNames")
}

/// Methods whose first argument is a name, or a match rule.
fn needs_name(member: &str) -> bool {
    matches!(
        member,
        "AddMatch"
            | "RemoveMatch"
            | "RequestName"
            | "ReleaseName"
            | "ListQueuedOwners"
            | "NameHasOwner"
            | "GetNameOwner"
            | "StartServiceByName"
            | "GetConnectionUnixUser"
            | "GetConnectionUnixProcessID"
            | "GetConnectionCredentials"
            | "GetAdtAuditSessionData"
            | "GetConnectionSELinuxSecurityContext"
    )
}
