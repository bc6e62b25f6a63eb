//! What the app can do on the message buses: a sentence a preset, and a sentence a rule.

use super::Teller;
use crate::bus::{Access, Bus, Method, NamePattern, Rule, words};
use crate::i18n::{Message, N_};
use crate::options::{Risk, dbus_preset};

/// Reads and writes every property of every object.
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

impl Teller<'_> {
    /// Of a bus that is there and on which nothing is allowed.
    pub(super) fn silent_buses(&mut self, key: &'static str) {
        let (covered, buses) = (self.policy.dbus, &self.policy.buses);
        let silent = |rules: &[Rule]| rules.iter().all(|rule| rule.access == Access::Deny);
        let session = covered.session() && silent(&buses.session);
        let system = covered.system() && silent(&buses.system);
        if session {
            self.cannot(key, N_("The app can talk to no service of your session: no preset and no rule names one."));
        }
        if system {
            self.cannot(
                key,
                N_("The app can talk to no service of the system: no preset and no rule names one."),
            );
        }
    }

    pub(super) fn bus_presets(&mut self, key: &'static str) {
        let entries = self.profile.entries_with_origin(key);
        let covered = self.policy.dbus;
        for (name, origin) in entries {
            let Some(preset) = dbus_preset(name) else { continue };
            let works = (covered.session() && !preset.session.is_empty())
                || (covered.system() && !preset.system.is_empty());
            if works {
                let message = Message::new(preset.summary);
                self.say(key, preset.risk, true, &message, Some(origin.clone()));
            } else {
                let message = Message::new(N_(
                    "The preset {name} gives the app nothing: “dbus” does not cover its bus.",
                ));
                let message = message.with("name", name);
                self.say(key, Risk::Contained, false, &message, Some(origin.clone()));
            }
        }
    }

    pub(super) fn bus_rules(&mut self, key: &'static str, bus: Bus, access: Access) {
        let covered = match bus {
            Bus::Session => self.policy.dbus.session(),
            Bus::System => self.policy.dbus.system(),
            Bus::Accessibility => false,
        };
        for (text, origin) in self.profile.entries_with_origin(key) {
            let Ok(rule) = Rule::parse(access, text) else { continue };
            let (can, risk, message) = if covered {
                (access != Access::Deny, risk(&rule), sentence(&rule, bus))
            } else {
                let message = Message::new(N_(
                    "The rule {rule} gives the app nothing: “dbus” does not cover its bus.",
                ));
                (false, Risk::Contained, message.with("rule", text))
            };
            self.say(key, risk, can, &message, Some(origin.clone()));
        }
    }
}

/// How far one rule opens the sandbox.
fn risk(rule: &Rule) -> Risk {
    let method = &rule.filter.method;
    match rule.access {
        Access::Deny => Risk::Contained,
        // Nothing is done to anybody, or not without the person.
        Access::See | Access::Broadcast | Access::Ask => Risk::Partial,
        Access::Talk | Access::Own | Access::Call if rule.name == NamePattern::Any => {
            let all = match method {
                Method::Any => true,
                Method::Interface(interface) | Method::Member { interface, .. } => {
                    interface == PROPERTIES
                }
            };
            let known = words::worst(rule).map_or(Risk::Partial, |known| known.risk);
            if all { Risk::Open } else { known }
        }
        Access::Talk | Access::Own | Access::Call => {
            words::worst(rule).map_or(Risk::Partial, |known| known.risk)
        }
    }
}

/// One rule in words, and what is known of the service.
fn sentence(rule: &Rule, bus: Bus) -> Message {
    let any = rule.name == NamePattern::Any;
    let pattern = match rule.access {
        Access::See if any => N_("The app can see which services and apps are on the bus."),
        Access::See => N_("The app can tell whether {name} is there."),
        Access::Talk if any && bus == Bus::System => {
            N_("The app can use every service of the system that you may use.")
        }
        Access::Talk if any => {
            N_("The app can use every service of your session, and through them act as you.")
        }
        Access::Talk => N_("The app can use everything that {name} offers."),
        Access::Own if any => N_(
            "The app can take every name on the bus and pass for any service, and use every service there.",
        ),
        Access::Own => {
            N_("The app can offer a service as {name}, and use what others offer under that name.")
        }
        Access::Call if any => N_("The app can call {what} of every service."),
        Access::Call => N_("The app can call {what} of {name}."),
        Access::Broadcast if any => N_("The app hears {what} from everybody on the bus."),
        Access::Broadcast => N_("The app hears {what} from {name}."),
        Access::Ask if rule.filter.is_any() => N_("You are asked before the app uses {name}."),
        Access::Ask => N_("You are asked before the app calls {what} of {name}."),
        Access::Deny if rule.filter.is_any() => {
            N_("The app cannot use {name}, whatever else is allowed.")
        }
        Access::Deny => N_("The app cannot call {what} of {name}, whatever else is allowed."),
    };
    let told = Message::new(pattern)
        .with("name", rule.name.to_string())
        .with("what", rule.filter.to_string());
    let known = match rule.access {
        Access::Talk | Access::Call if !any => words::worst(rule),
        Access::Call => words::worst(rule).filter(|_| rule.filter.method != Method::Any),
        Access::Ask if !any => words::worst(rule),
        _ => None,
    };
    let Some(known) = known else { return told };
    let pattern = match rule.access {
        Access::Ask => N_("{rule} If you allow it: {known}"),
        // Two sentences, each translated by itself.
        _ => "{known} {rule}",
    };
    Message::new(pattern)
        .with_message("rule", told)
        .with_message("known", Message::new(known.summary))
}
