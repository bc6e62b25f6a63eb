//! Calls to the bus itself, answered by the policy: what is hidden does not exist.

use super::refusal::{DENIED, LIMIT, UNKNOWN, unknown};
use super::{Awaited, Filter, MOST_CALLS, Shared, Verdict};
use crate::events::Event;
use crate::fault::Fault;
use crate::fields::Header;
use crate::frame::Kind;
use crate::grammar::BUS;
use crate::matchrule::MatchRule;
use crate::message::{answered, with_argument};
use arkose_profile::bus::is_bus_name;

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
            // Not `GetMachineId`: the sandbox is a machine of its own.
            (Some("org.freedesktop.DBus.Introspectable"), "Introspect")
            | (Some("org.freedesktop.DBus.Peer"), "Ping")
            | (Some("org.freedesktop.DBus.Properties"), "Get" | "GetAll") => {
                return Ok(self.told_by_bus(header, Awaited::App(None)));
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
        let whole = message.get(..total).unwrap_or_default();
        let argument = header.body(whole).text()?;
        Ok(match member {
            "AddMatch" | "RemoveMatch" => self.match_rule(header, member, argument, shared),
            _ => self.about(header, whole, argument, shared),
        })
    }

    /// Lets a call through by which an app only learns something.
    fn told_by_bus(&mut self, header: &Header<'_>, awaited: Awaited) -> Verdict {
        // A bus answers although nobody waits, and that would be taken for another reply.
        if header.frame.wants_reply() { self.pass(header, awaited) } else { Verdict::Drop }
    }

    /// Lets a call through that does something. A bus may answer one that wants no reply; so it is made to,
    /// and until then no other call has its serial.
    fn done_by_bus(&mut self, header: &Header<'_>, call: Option<Vec<u8>>, whole: &[u8]) -> Verdict {
        if self.calls.len() >= MOST_CALLS {
            return self.too_many_calls(header);
        }
        let awaited =
            if header.frame.wants_reply() { Awaited::App(None) } else { Awaited::Nothing };
        self.calls.insert(header.frame.serial, awaited);
        match call {
            Some(call) => Verdict::Replace(call),
            None if header.frame.wants_reply() => Verdict::Pass,
            None => Verdict::Replace(answered(whole)),
        }
    }

    /// A call without an argument that matters.
    fn plain(&mut self, header: &Header<'_>, member: &str) -> Verdict {
        let awaited = match member {
            "Hello" if !self.greeted => {
                self.greeted = true;
                Awaited::Hello
            }
            "ListNames" | "ListActivatableNames" => Awaited::Names,
            _ => Awaited::App(None),
        };
        self.told_by_bus(header, awaited)
    }

    /// A call about a name.
    fn about(
        &mut self,
        header: &Header<'_>,
        whole: &[u8],
        argument: &str,
        shared: &mut Shared,
    ) -> Verdict {
        let member = header.member.unwrap_or_default();
        let rules = &self.policy.rules;
        let (allowed, kind, access) = match member {
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
            return self.done_by_bus(header, None, whole);
        }
        let visible = self.sees(argument);
        shared.events.tell(Event {
            event: "denied",
            bus: self.bus(),
            kind,
            destination: Some(argument),
            member: Some(member),
            // Anything else would be a rule that the app wrote.
            would_allow: is_bus_name(argument).then(|| format!("{access} = {argument}")),
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
            Ok(rule) => {
                let rule = rule.to_string();
                if member == "RemoveMatch" {
                    self.matches.remove(&rule);
                } else if !self.matches.add(&rule) {
                    let text = "too many match rules of this connection";
                    return self.error(header, LIMIT, text);
                }
                self.done_by_bus(header, Some(with_argument(header, member, &rule)), &[])
            }
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
