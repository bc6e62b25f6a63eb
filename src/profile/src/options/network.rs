//! What a filtered network lets through: the lists of rules, and what becomes of the rest.

use super::{Choice, Group, Kind, Opt, Risk};
use crate::i18n::N_;
use crate::net::Verdict;

const fn rules(
    verdict: Verdict,
    (key, flag): (&'static str, &'static str),
    title: &'static str,
    summary: &'static str,
) -> Opt {
    Opt {
        key,
        group: Group::Network,
        title,
        summary,
        kind: Kind::NetworkRules(verdict),
        default: "[]",
        flag,
        conf: None,
        conflicts: &[],
    }
}

pub(super) const DEFAULT: Opt = Opt {
    key: "network-rules.default",
    group: Group::Network,
    title: N_("Network: everything else"),
    summary: N_("What becomes of connections that no rule is about."),
    kind: Kind::Choice(&[
        Choice {
            value: "deny",
            title: N_("Refused"),
            summary: N_("The app cannot reach what no rule names."),
            risk: Risk::Contained,
        },
        Choice {
            value: "ask",
            title: N_("Asked first"),
            summary: N_("You are asked before the app reaches what no rule names."),
            risk: Risk::Partial,
        },
        Choice {
            value: "allow",
            title: N_("Allowed"),
            summary: N_(
                "The app can reach every address that no rule refuses, but for this computer's.",
            ),
            risk: Risk::Open,
        },
    ]),
    default: "\"deny\"",
    flag: "network-default",
    conf: None,
    conflicts: &[],
};

pub(super) const ALLOW: Opt = Opt {
    conf: Some("network"),
    ..rules(
        Verdict::Allow,
        ("network-rules.allow", "allow"),
        N_("Network: allowed"),
        N_("Names, addresses and networks that the app can reach."),
    )
};

pub(super) const DENY: Opt = rules(
    Verdict::Deny,
    ("network-rules.deny", "deny"),
    N_("Network: refused"),
    N_("Names, addresses and networks that are refused to the app."),
);

pub(super) const ASK: Opt = rules(
    Verdict::Ask,
    ("network-rules.ask", "ask"),
    N_("Network: asked first"),
    N_("Names, addresses and networks that the app can reach only when you say so."),
);

const fn of_zone(
    (key, flag): (&'static str, &'static str),
    (kind, default): (Kind, &'static str),
    title: &'static str,
    summary: &'static str,
) -> Opt {
    Opt {
        key,
        group: Group::Network,
        title,
        summary,
        kind,
        default,
        flag,
        conf: None,
        conflicts: &[],
    }
}

pub(super) const ZONE: Opt = of_zone(
    ("network-rules.zone", "network-zone"),
    (Kind::Bridge, "\"\""),
    N_("Network: bridge"),
    N_(
        "The network bridge of this computer that the app is joined to, as a computer of its own there.",
    ),
);

pub(super) const ADDRESSES: Opt = of_zone(
    ("network-rules.addresses", "network-address"),
    (Kind::OwnAddresses, "[]"),
    N_("Network: the app's addresses"),
    N_(
        "Addresses of the app's at that bridge, each with the length of its network; without any, routers there give it one of IPv6.",
    ),
);

pub(super) const ROUTERS: Opt = of_zone(
    ("network-rules.routers", "network-router"),
    (Kind::Routers, "[]"),
    N_("Network: routers"),
    N_(
        "Who leads out of the networks of those addresses; without any, the app reaches these alone.",
    ),
);
