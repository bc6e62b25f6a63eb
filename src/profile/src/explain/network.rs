//! What the app can reach through a filtered network: a sentence a rule, and what rules cannot do.

use super::Teller;
use crate::i18n::{Message, N_};
use crate::net::{Class, Ports, Protocol, Rule, Target, Tier, Verdict, class};
use crate::options::{Choice, Kind, Risk, option};
use crate::policy::Network;

impl Teller<'_> {
    /// Of a filtered network: what no rule opens, and what a rule opens beside.
    pub(super) fn filtered_network(&mut self, key: &'static str) {
        let rules = &self.policy.network_rules;
        let opens = |rule: &&Rule| rule.verdict != Verdict::Deny;
        let any = |wanted: &dyn Fn(&Rule) -> bool| rules.list.iter().filter(opens).any(wanted);
        let by_default = rules.default != Verdict::Deny;
        if !by_default && !any(&|_| true) {
            self.cannot(key, N_("The app can reach nothing over the network: no rule allows it."));
            return;
        }
        let refused = |target: &Target| {
            rules.list.iter().any(|rule| rule.verdict == Verdict::Deny && rule.target == *target)
        };
        let lan = by_default || any(&leads_into_lan) || refused(&Target::Lan);
        let host = any(&|rule| rule.target == Target::Host) || refused(&Target::Host);
        let names = any(&|rule| matches!(rule.target, Target::Name(_)));
        let secure = by_default
            || any(&|rule| {
                let remote = !matches!(rule.target, Target::Lan | Target::Host);
                remote && rule.ports.matches(Protocol::Tcp, 443)
            });
        if !lan {
            self.cannot(key, N_("The app cannot reach the local network."));
        }
        if !host {
            self.cannot(
                key,
                N_("The app cannot reach services of this computer over the network."),
            );
        }
        if names {
            let message =
                N_("The app can reach whatever else has the address of a name that it may reach.");
            self.can(key, Risk::Partial, &Message::new(message));
        }
        if secure {
            let message = N_(
                "The app can have a server that it may reach over HTTPS look names up for it, or pass on what it says.",
            );
            self.can(key, Risk::Partial, &Message::new(message));
        }
    }

    /// What becomes of that which no rule is about; nothing is said of it where there are no rules.
    pub(super) fn network_default(&mut self, key: &'static str, choice: &Choice) {
        if self.policy.network != Network::Filtered {
            if !matches!(self.profile.origin(key), crate::Origin::Default) {
                self.no_network(key, choice.value, None);
            }
            return;
        }
        let risk = if choice.risk == Risk::Open { self.risk_of_all() } else { choice.risk };
        let can = choice.risk != Risk::Contained;
        self.say(key, risk, can, &Message::new(choice.summary), None);
    }

    pub(super) fn network_rules(&mut self, key: &'static str, verdict: Verdict) {
        for (text, origin) in self.profile.entries_with_origin(key) {
            let Ok(rule) = Rule::parse(verdict, text) else { continue };
            if self.policy.network == Network::Filtered {
                let can = verdict != Verdict::Deny;
                self.say(key, self.risk_of(&rule), can, &sentence(&rule), Some(origin.clone()));
            } else {
                self.no_network(key, text, Some(origin.clone()));
            }
        }
    }

    fn no_network(&mut self, key: &'static str, text: &str, origin: Option<crate::Origin>) {
        let message =
            Message::new(N_("The rule {rule} gives the app nothing: “network” is not “filtered”."));
        self.say(key, Risk::Contained, false, &message.with("rule", text), origin);
    }

    /// The bridge that the app is joined to.
    pub(super) fn zone(&mut self, key: &'static str) {
        let bridge = self.profile.value(key);
        if bridge.as_text().is_empty() {
            return;
        }
        if self.policy.network != Network::Filtered {
            return self.no_zone(key, bridge.as_text(), None);
        }
        for pattern in [
            N_(
                "The app takes part in the network of the bridge {bridge}, as a computer of its own.",
            ),
            N_(
                "The app can be noticed by others at the bridge {bridge}, who are told when it comes and goes.",
            ),
        ] {
            self.can(key, Risk::Partial, &Message::new(pattern).with("bridge", bridge.as_text()));
        }
    }

    /// What the app is called there, and who leads out.
    pub(super) fn in_zone(&mut self, key: &'static str) {
        let sentence = match key {
            "network-rules.routers" => {
                N_("The app reaches other networks by way of the router {address}.")
            }
            _ => N_("The app has the address {address} at its bridge."),
        };
        for (address, origin) in self.profile.entries_with_origin(key) {
            if self.policy.zone.is_none() {
                self.no_zone(key, address, Some(origin.clone()));
                continue;
            }
            let message = Message::new(sentence).with("address", address);
            self.say(key, Risk::Partial, true, &message, Some(origin.clone()));
        }
    }

    fn no_zone(&mut self, key: &'static str, value: &str, origin: Option<crate::Origin>) {
        let message = if self.policy.network == Network::Filtered {
            N_("{value} gives the app nothing: “network-rules.zone” names no bridge.")
        } else {
            N_("{value} gives the app nothing: “network” is not “filtered”.")
        };
        let message = Message::new(message).with("value", value);
        self.say(key, Risk::Contained, false, &message, origin);
    }

    /// How far one rule opens the sandbox.
    fn risk_of(&self, rule: &Rule) -> Risk {
        match rule.verdict {
            Verdict::Deny => Risk::Contained,
            Verdict::Ask => Risk::Partial,
            Verdict::Allow if is_all(rule) => self.risk_of_all(),
            Verdict::Allow => Risk::Partial,
        }
    }

    /// Everything is as open as the host's network, unless the local network is kept out of it.
    fn risk_of_all(&self) -> Risk {
        let mut rules = self.policy.network_rules.list.iter();
        let lan = rules.any(|rule| {
            rule.verdict == Verdict::Deny && rule.target == Target::Lan && rule.ports.is_all()
        });
        if lan { Risk::Partial } else { Risk::Open }
    }
}

/// Whether a rule is about every address of a family, and about every port that matters.
fn is_all(rule: &Rule) -> bool {
    let target = match &rule.target {
        Target::Everything => true,
        Target::Network(net) => net.prefix == 0,
        Target::Public | Target::Lan | Target::Host | Target::Name(_) => false,
    };
    let streams = rule.ports.protocol.is_none_or(|protocol| protocol == Protocol::Tcp);
    target && streams && rule.ports.range.is_none_or(|range| matches!(range, (0 | 1, u16::MAX)))
}

/// Whether a rule is about an address of a local network.
fn leads_into_lan(rule: &Rule) -> bool {
    match &rule.target {
        Target::Everything | Target::Lan => true,
        // A network that is wider than a local one holds it, or none.
        Target::Network(net) => class(net.address) == Class::Lan || net.holds_lan(),
        Target::Public | Target::Host | Target::Name(_) => false,
    }
}

/// What becomes of that which no rule is about, in words; a message id.
#[must_use]
pub fn default(verdict: Verdict) -> &'static str {
    let choices = option("network-rules.default").map(|option| option.kind);
    let Some(Kind::Choice(choices)) = choices else { return "" };
    choices.iter().find(|one| one.value == verdict.as_str()).map_or("", |one| one.summary)
}

/// One rule in words.
#[must_use]
pub fn sentence(rule: &Rule) -> Message {
    let pattern = match (rule.verdict, rule.tier(), rule.ports.is_all()) {
        (Verdict::Allow, _, true) => N_("The app can reach {target}."),
        (Verdict::Allow, _, false) => N_("The app can reach {target}, {ports}."),
        (Verdict::Ask, _, true) => N_("You are asked before the app reaches {target}."),
        (Verdict::Ask, _, false) => N_("You are asked before the app reaches {target}, {ports}."),
        (Verdict::Deny, Tier::Host, true) => N_("The app cannot reach {target}."),
        (Verdict::Deny, Tier::Host, false) => N_("The app cannot reach {target}, {ports}."),
        (Verdict::Deny, _, true) => {
            N_("The app cannot reach {target}, unless a more exact rule allows it.")
        }
        (Verdict::Deny, _, false) => {
            N_("The app cannot reach {target}, {ports}, unless a more exact rule allows it.")
        }
    };
    Message::new(pattern)
        .with_message("target", target(&rule.target))
        .with_message("ports", ports(&rule.ports))
}

fn target(target: &Target) -> Message {
    match target {
        Target::Everything => Message::new(N_("every address but those of this computer")),
        Target::Public => Message::new(N_("the internet")),
        Target::Lan => Message::new(N_("the local network")),
        Target::Host => Message::new(N_("services of this computer")),
        Target::Network(net) if net.is_single() => {
            Message::new("{address}").with("address", net.to_string())
        }
        Target::Network(net) => {
            Message::new(N_("every address in {network}")).with("network", net.to_string())
        }
        Target::Name(pattern) if pattern.below => {
            Message::new(N_("{name} and everything below it")).with("name", &pattern.name)
        }
        Target::Name(pattern) => Message::new("{name}").with("name", &pattern.name),
    }
}

fn ports(ports: &Ports) -> Message {
    let (first, last) = ports.range.unwrap_or((0, u16::MAX));
    let pattern = match (ports.range, ports.protocol) {
        (_, Some(Protocol::Icmp)) => N_("with echo requests (ping)"),
        (None, Some(Protocol::Tcp)) => N_("over TCP"),
        (None, Some(Protocol::Udp)) => N_("over UDP"),
        (None, None) => N_("on every port"),
        (Some(_), None) if first == last => N_("on port {first}"),
        (Some(_), Some(_)) if first == last => N_("on port {first} ({protocol})"),
        (Some(_), None) => N_("on the ports {first} to {last}"),
        (Some(_), Some(_)) => N_("on the ports {first} to {last} ({protocol})"),
    };
    let protocol = ports.protocol.map_or("", Protocol::as_str).to_ascii_uppercase();
    Message::new(pattern)
        .with("first", first.to_string())
        .with("last", last.to_string())
        .with("protocol", protocol)
}
