//! Where the two proxies differ on purpose.

use crate::world::{Seen, Step, is_end};
use arkose_tests::bus::{Arg, DRIVER, Draft, Field, field, flag, kind};

/// One difference.
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) why: &'static str,
    /// Whether this is what was seen.
    pub(crate) is_it: fn(&Step, ours: &Seen, theirs: &Seen) -> bool,
}

/// What xdg-dbus-proxy refuses comes from nobody; a bus signs what it says, and so does Arkose.
pub(crate) fn signed(line: &str) -> String {
    if line.starts_with("client hears error ") || line.starts_with("client hears return ") {
        line.replace(" from nobody,", &format!(" from {DRIVER},"))
    } else {
        line.to_owned()
    }
}

fn sent(step: &Step) -> Option<&Draft> {
    match step {
        Step::Out(draft) => Some(draft),
        _ => None,
    }
}

fn text(draft: &Draft, code: u8) -> Option<&str> {
    let field = draft.fields.iter().find(|(other, _)| *other == code);
    match field {
        Some((_, Field::Value(Arg::Text(text) | Arg::Path(text)))) => Some(text),
        _ => None,
    }
}

/// A call to the bus itself, by its method.
fn method(step: &Step) -> Option<&str> {
    let draft = sent(step).filter(|draft| draft.kind == kind::CALL)?;
    (text(draft, field::DESTINATION)? == DRIVER).then(|| text(draft, field::MEMBER))?
}

/// The name of the error that the client got for what it asked, without its beginning.
fn refusal(seen: &Seen) -> Option<&str> {
    let error = " hears error to what was asked .org.freedesktop.DBus.Error.";
    seen.iter().find_map(|line| line.split_once(error)?.1.split(' ').next())
}

fn errors(ours: &Seen, theirs: &Seen, expected: (&str, &str)) -> bool {
    refusal(ours) == Some(expected.0) && refusal(theirs) == Some(expected.1)
}

fn adding(seen: &Seen) -> &str {
    seen.iter().find_map(|line| line.strip_prefix("adding it: ")).unwrap_or_default()
}

fn is_in(method: Option<&str>, among: &[&str]) -> bool {
    method.is_some_and(|method| among.contains(&method))
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "a match rule with `eavesdrop='false'`",
        ours: "is taken, without it",
        theirs: "`AccessDenied`",
        why: "It asks for nothing more than a rule without it.",
        is_it: |step, ours, theirs| {
            matches!(step, Step::Rule(rule) if rule.contains("eavesdrop"))
                && adding(ours) == "agreed"
                && adding(theirs).ends_with("AccessDenied")
        },
    },
    Difference {
        what: "a match rule that is refused",
        ours: "by a grammar, before the bus sees it",
        theirs: "by the bus, or for the word `eavesdrop=`",
        why: "Both refuse it, and with another error: what the bus reads is only ever what Arkose wrote.",
        is_it: |step, ours, theirs| {
            matches!(step, Step::Rule(_))
                && adding(ours).contains("Error")
                && adding(theirs).contains("Error")
        },
    },
    Difference {
        what: "a bad match rule, or none, in a call of its own",
        ours: "refused",
        theirs: "refused by the bus, with another error",
        why: "What is no rule does not get as far as the bus.",
        is_it: |step, ours, theirs| {
            is_in(method(step), &["AddMatch", "RemoveMatch"])
                && refusal(ours).is_some()
                && refusal(theirs).is_some()
        },
    },
    Difference {
        what: "asking to own, to give back or to see the queue of a name that is hidden",
        ours: "`AccessDenied`",
        theirs: "`ServiceUnknown`",
        why: "It is what a bus says whose own policy forbids a name, whoever has it.",
        is_it: |step, ours, theirs| {
            is_in(method(step), &["RequestName", "ReleaseName", "ListQueuedOwners"])
                && errors(ours, theirs, ("AccessDenied", "ServiceUnknown"))
        },
    },
    Difference {
        what: "a call to nobody",
        ours: "`AccessDenied`",
        theirs: "goes to the library in the bus, which answers some",
        why: "No rule allows it, and no client needs it.",
        is_it: |step, ours, _| {
            sent(step).is_some_and(|draft| {
                draft.kind == kind::CALL && text(draft, field::DESTINATION).is_none()
            }) && matches!(refusal(ours), Some("AccessDenied") | None)
        },
    },
    Difference {
        what: "a call to a unique name that is hidden",
        ours: "`ServiceUnknown`",
        theirs: "`NameHasNoOwner`",
        why: "It is what a bus says of a unique name that nobody has.",
        is_it: |_, ours, theirs| errors(ours, theirs, ("ServiceUnknown", "NameHasNoOwner")),
    },
    Difference {
        what: "whose process a hidden name is",
        ours: "`NameHasNoOwner`",
        theirs: "`ServiceUnknown`",
        why: "It is what a bus says of a name that nobody has.",
        is_it: |_, ours, theirs| errors(ours, theirs, ("NameHasNoOwner", "ServiceUnknown")),
    },
    Difference {
        what: "a call to the bus without an interface",
        ours: "means the method of the bus",
        theirs: "`AccessDenied`",
        why: "The specification allows it, and the bus reads it so.",
        is_it: |step, _, theirs| {
            method(step).is_some()
                && sent(step).is_some_and(|draft| text(draft, field::INTERFACE).is_none())
                && matches!(refusal(theirs), Some("AccessDenied") | None)
        },
    },
    Difference {
        what: "a destination without a dot",
        ours: "the connection is closed",
        theirs: "`ServiceUnknown`, or nothing",
        why: "It is no name, and a bus closes the connection, too.",
        is_it: |step, ours, theirs| {
            sent(step).is_some_and(|draft| text(draft, field::DESTINATION) == Some("ex"))
                && ours.iter().any(|line| is_end(line))
                && !theirs.iter().any(|line| line.contains(" hears call"))
        },
    },
    Difference {
        what: "a signal to the client alone, by a peer that it may not talk to",
        ours: "is dropped, unless a rule says `broadcast`",
        theirs: "comes",
        why: "What signals come in is said by rules, also where they are meant for the app.",
        is_it: |step, ours, theirs| {
            matches!(step, Step::In(_, draft) if draft.kind == kind::SIGNAL)
                && ours.is_empty()
                && theirs.iter().all(|line| line.starts_with("client hears signal"))
        },
    },
    Difference {
        what: "starting a service that only broadcasts, or what is no service",
        ours: "`AccessDenied`",
        theirs: "is asked of the bus",
        why: "To start something is to talk to it.",
        is_it: |step, ours, _| {
            is_in(method(step), &["StartServiceByName"]) && refusal(ours) == Some("AccessDenied")
        },
    },
    Difference {
        what: "a method of the bus without what it takes",
        ours: "`AccessDenied`",
        theirs: "as if it were of no name, or another error",
        why: "What cannot be read is not passed on.",
        is_it: |step, ours, _| {
            method(step).is_some()
                && sent(step).is_some_and(|draft| !matches!(draft.args.first(), Some(Arg::Text(_))))
                && refusal(ours) == Some("AccessDenied")
        },
    },
    Difference {
        what: "saying hello twice",
        ours: "`Failed`, as the bus has it",
        theirs: "hears nothing more",
        why: "One connection has one name.",
        is_it: |step, ours, _| is_in(method(step), &["Hello"]) && refusal(ours) == Some("Failed"),
    },
    Difference {
        what: "an answer to a call that wanted no reply",
        ours: "is dropped",
        theirs: "comes, where the bus gives one",
        why: "Nobody waits for it.",
        is_it: |step, ours, theirs| {
            sent(step).is_some_and(|draft| draft.flags & flag::NO_REPLY != 0)
                && ours.is_empty()
                && theirs.iter().all(|line| line.contains(" to what was asked "))
        },
    },
    Difference {
        what: "the bus's own `org.freedesktop.DBus.Peer`",
        ours: "answered by the bus",
        theirs: "`AccessDenied`",
        why: "It tells nothing of others.",
        is_it: |step, ours, theirs| {
            let peer = |draft| text(draft, field::INTERFACE) == Some("org.freedesktop.DBus.Peer");
            method(step).is_some()
                && sent(step).is_some_and(peer)
                && refusal(ours) != Some("AccessDenied")
                && refusal(theirs) == Some("AccessDenied")
        },
    },
    Difference {
        what: "anything but `Introspect` of the bus's `org.freedesktop.DBus.Introspectable`",
        ours: "`AccessDenied`",
        theirs: "is asked of the bus",
        why: "Only what is known is passed on.",
        is_it: |step, ours, theirs| {
            method(step).is_some_and(|method| method != "Introspect")
                && errors(ours, theirs, ("AccessDenied", "UnknownMethod"))
        },
    },
];
