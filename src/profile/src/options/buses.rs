//! The lists of rules for the message buses: the same seven for each bus.

use super::{Group, Kind, Opt};
use crate::bus::{Access, Bus};
use crate::i18n::N_;

const fn rules(
    bus: Bus,
    access: Access,
    (key, flag): (&'static str, &'static str),
    title: &'static str,
    summary: &'static str,
) -> Opt {
    Opt {
        key,
        group: Group::Desktop,
        title,
        summary,
        kind: Kind::BusRules(bus, access),
        default: "[]",
        flag,
        conf: None,
        conflicts: &[],
    }
}

pub(super) const SESSION_SEE: Opt = rules(
    Bus::Session,
    Access::See,
    ("dbus-rules.session.see", "dbus-see"),
    N_("Session bus: seen"),
    N_("Services of your session of which the app can tell whether they run, and nothing more."),
);

pub(super) const SESSION_TALK: Opt = rules(
    Bus::Session,
    Access::Talk,
    ("dbus-rules.session.talk", "dbus-talk"),
    N_("Session bus: talked to"),
    N_("Services of your session that the app can talk to, whatever they offer."),
);

pub(super) const SESSION_OWN: Opt = rules(
    Bus::Session,
    Access::Own,
    ("dbus-rules.session.own", "dbus-own"),
    N_("Session bus: own names"),
    N_("Names under which the app can offer services to the others of your session."),
);

pub(super) const SESSION_CALL: Opt = Opt {
    conf: Some("dbusproxy"),
    ..rules(
        Bus::Session,
        Access::Call,
        ("dbus-rules.session.call", "dbus-call"),
        N_("Session bus: calls"),
        N_("Single things that the app can ask of services of your session."),
    )
};

pub(super) const SESSION_BROADCAST: Opt = Opt {
    conf: Some("dbusproxy"),
    ..rules(
        Bus::Session,
        Access::Broadcast,
        ("dbus-rules.session.broadcast", "dbus-broadcast"),
        N_("Session bus: signals"),
        N_("Single things that the app hears from services of your session."),
    )
};

pub(super) const SESSION_ASK: Opt = rules(
    Bus::Session,
    Access::Ask,
    ("dbus-rules.session.ask", "dbus-ask"),
    N_("Session bus: asked first"),
    N_("What the app can do on the session bus only when you say so."),
);

pub(super) const SESSION_DENY: Opt = rules(
    Bus::Session,
    Access::Deny,
    ("dbus-rules.session.deny", "dbus-deny"),
    N_("Session bus: refused"),
    N_("What the app cannot do on the session bus, whatever else allows it."),
);

pub(super) const SYSTEM_SEE: Opt = rules(
    Bus::System,
    Access::See,
    ("dbus-rules.system.see", "system-dbus-see"),
    N_("System bus: seen"),
    N_("Services of the system of which the app can tell whether they run, and nothing more."),
);

pub(super) const SYSTEM_TALK: Opt = rules(
    Bus::System,
    Access::Talk,
    ("dbus-rules.system.talk", "system-dbus-talk"),
    N_("System bus: talked to"),
    N_("Services of the system that the app can talk to, whatever they offer you."),
);

pub(super) const SYSTEM_OWN: Opt = rules(
    Bus::System,
    Access::Own,
    ("dbus-rules.system.own", "system-dbus-own"),
    N_("System bus: own names"),
    N_("Names under which the app can offer services to the system, where the system lets you."),
);

pub(super) const SYSTEM_CALL: Opt = Opt {
    conf: Some("dbusproxy"),
    ..rules(
        Bus::System,
        Access::Call,
        ("dbus-rules.system.call", "system-dbus-call"),
        N_("System bus: calls"),
        N_("Single things that the app can ask of services of the system."),
    )
};

pub(super) const SYSTEM_BROADCAST: Opt = Opt {
    conf: Some("dbusproxy"),
    ..rules(
        Bus::System,
        Access::Broadcast,
        ("dbus-rules.system.broadcast", "system-dbus-broadcast"),
        N_("System bus: signals"),
        N_("Single things that the app hears from services of the system."),
    )
};

pub(super) const SYSTEM_ASK: Opt = rules(
    Bus::System,
    Access::Ask,
    ("dbus-rules.system.ask", "system-dbus-ask"),
    N_("System bus: asked first"),
    N_("What the app can do on the system bus only when you say so."),
);

pub(super) const SYSTEM_DENY: Opt = rules(
    Bus::System,
    Access::Deny,
    ("dbus-rules.system.deny", "system-dbus-deny"),
    N_("System bus: refused"),
    N_("What the app cannot do on the system bus, whatever else allows it."),
);
