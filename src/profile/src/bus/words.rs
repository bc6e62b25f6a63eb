//! Known services in plain words: what it means to be let in there.
//!
//! Drawn from by `explain` and by the prompts. A service that is not in the table is told by its name,
//! and called partly open: nobody knows what every service offers.

mod desktop;
mod person;
mod portals;
mod system;

use self::{desktop::DESKTOP, person::PERSON, portals::PORTALS, system::SYSTEM};
use super::pattern::{NamePattern, is_below};
use crate::i18n::{Message, N_};
use crate::options::Risk;

/// A service, or one interface of it.
#[derive(Debug)]
pub struct Known {
    /// Its names; `.*` at the end stands for all below.
    names: &'static [&'static str],
    /// The interface; empty for all.
    interface: &'static str,
    /// What who is let in can do, in a sentence: a message id.
    pub summary: &'static str,
    /// That it wants to, with a place for its name: a message id.
    wish: &'static str,
    /// How far that opens a sandbox.
    pub risk: Risk,
}

impl Known {
    /// Whether one of its names is among those that a pattern matches.
    fn is_named(&self, pattern: &NamePattern) -> bool {
        self.names.iter().any(|name| {
            let stem = name.strip_suffix(".*");
            match (pattern, stem) {
                (NamePattern::Any, _) => true,
                (NamePattern::Exact(one) | NamePattern::Numbered(one), Some(stem)) => {
                    is_below(one, stem, b'.')
                }
                (NamePattern::Exact(one) | NamePattern::Numbered(one), None) => one == name,
                (NamePattern::Below(top), Some(stem)) => {
                    is_below(stem, top, b'.') || is_below(top, stem, b'.')
                }
                (NamePattern::Below(top), None) => is_below(name, top, b'.'),
            }
        })
    }

    /// Whether messages of that interface are about it. Of a peer that is not named, an interface is
    /// taken for the service's that is called as the service is.
    fn is_about(&self, interface: Option<&str>, named: bool) -> bool {
        match interface {
            Some(interface) if !self.interface.is_empty() => interface == self.interface,
            Some(_) if named => true,
            Some(interface) => {
                self.names.iter().any(|name| is_below(interface, name.trim_end_matches(".*"), b'.'))
            }
            None => self.interface.is_empty() || !named,
        }
    }
}

/// What is known of a service, by one of its names and the interface that is called.
#[must_use]
pub fn known(name: &str, interface: Option<&str>) -> Option<&'static Known> {
    let name = NamePattern::Exact(name.to_owned());
    all().find(|known| known.is_named(&name) && known.is_about(interface, true))
}

/// What an app wants that calls a service, in a sentence for a prompt, and how far it opens.
#[must_use]
pub fn wish(app: &str, name: &str, interface: Option<&str>) -> (Message, Risk) {
    // Without an interface it may be meant for each.
    let told = match interface {
        Some(_) => known(name, interface),
        None => worst_of(name),
    };
    let (message, risk) = match told {
        Some(known) => (Message::new(known.wish), known.risk),
        None => {
            let message = Message::new(N_("“{app}” wants to use the service {name}."));
            (message.with("name", name), Risk::Partial)
        }
    };
    (message.with("app", app), risk)
}

/// The most open of what is known behind a name; among equals, what is said of all of it.
fn worst_of(name: &str) -> Option<&'static Known> {
    let pattern = NamePattern::Exact(name.to_owned());
    let single = all().filter(|known| known.is_named(&pattern));
    single.chain(known(name, None)).max_by_key(|known| known.risk)
}

/// The most open service that a rule is about.
#[cfg(feature = "files")]
pub(crate) fn worst(rule: &super::rule::Rule) -> Option<&'static Known> {
    use super::pattern::Method;
    let named = rule.name != NamePattern::Any;
    let interface = match &rule.filter.method {
        Method::Any => None,
        Method::Interface(interface) | Method::Member { interface, .. } => Some(interface.as_str()),
    };
    let about = |known: &&Known| known.is_named(&rule.name) && known.is_about(interface, named);
    if matches!(rule.name, NamePattern::Exact(_)) {
        return all().find(about);
    }
    // Of several that are equally open, the first.
    all().filter(about).rev().max_by_key(|known| known.risk)
}

/// The first that fits counts: single interfaces before their service, services before groups of them.
fn all() -> impl DoubleEndedIterator<Item = &'static Known> {
    [PORTALS, PERSON, DESKTOP, SYSTEM].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Access;
    use crate::bus::Rule;

    fn told(access: Access, rule: &str) -> Option<&'static str> {
        worst(&Rule::parse(access, rule).unwrap()).map(|known| known.summary)
    }

    #[test]
    fn services_are_told_by_name_and_interface() {
        let summary = |name, interface| known(name, interface).map_or("", |known| known.summary);
        assert!(summary("org.freedesktop.secrets", None).contains("passwords"));
        let portal = "org.freedesktop.portal.Desktop";
        let screenshot = Some("org.freedesktop.portal.Screenshot");
        assert!(summary(portal, screenshot).contains("picture of your screen"));
        assert!(summary(portal, None).contains("mostly by dialogs"));
        assert!(summary("org.mpris.MediaPlayer2.vlc", None).contains("media players"));
        assert_eq!(summary("org.mpris.MediaPlayer2x", None), "");
        let wish = |name| wish("Chat", name, None).0.to_string();
        assert_eq!(wish("org.a.B"), "“Chat” wants to use the service org.a.B.");
        assert!(wish("org.freedesktop.secrets").starts_with("“Chat” wants to read, change"));
        assert!(wish(portal).contains("dialogs"), "{}", wish(portal));
    }

    #[test]
    fn a_rule_is_as_open_as_the_worst_that_it_is_about() {
        let portal = |text| told(Access::Talk, text).unwrap_or_default();
        assert!(portal("org.freedesktop.*").contains("passwords"));
        assert!(portal("org.freedesktop.impl.portal.*").contains("give itself"));
        assert!(portal("org.freedesktop.impl.portal.desktop.gtk").contains("give itself"));
        assert!(portal("org.freedesktop.portal.Desktop").contains("mostly by dialogs"));
        assert_eq!(told(Access::Talk, "org.example.App"), None);
        let everybody = told(Access::Call, "*=org.freedesktop.systemd1.Manager.StartUnit");
        assert!(everybody.is_some_and(|text| text.contains("services")));
        assert_eq!(told(Access::Call, "*=org.example.I.*"), None);
    }

    #[test]
    fn every_wish_says_whose_it_is() {
        for known in all() {
            assert!(known.wish.starts_with("“{app}” wants to "), "{}", known.wish);
        }
    }

    #[test]
    fn every_name_is_one() {
        for name in all().flat_map(|known| known.names) {
            assert!(Rule::parse(Access::Talk, name).is_ok(), "{name}");
        }
    }
}
