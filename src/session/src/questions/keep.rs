//! Writing an answer that is to last into the user's own part of the profile.

use super::Question;
use crate::error::{Error, Kind};
use crate::spec::LaunchSpec;
use arkose_profile::bus::{Access, Bus, NamePattern, Rule, Subject, TextPattern};
use arkose_profile::net::{self, Tier, Verdict};
use arkose_profile::options::Opt;
use arkose_profile::{Context, Layer, Profile, Store, Value};
use serde_json::{Map, Value as Json};
use std::io;

/// Whose methods are for all interfaces of an object; which one, their first argument says.
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Writes it where the launch came from a profile that is kept; elsewhere it holds for this launch. `chosen` is
/// the rule for the network that was chosen.
pub(super) fn keep(
    question: &Question,
    allow: bool,
    chosen: Option<&net::Rule>,
    spec: &LaunchSpec,
) {
    let Some(profile) = spec.profile.as_ref().filter(|_| spec.stored) else { return };
    if let Err(cause) = write(question, allow, chosen, profile) {
        (spec.note)(&Error::new(Kind::NotKept).value(profile).because(cause));
    }
}

fn write(question: &Question, allow: bool, chosen: Option<&net::Rule>, id: &str) -> io::Result<()> {
    if let Some(rule) = chosen {
        return add(id, &Lasting::Network(rule.clone()));
    }
    let rule = rule(question, allow).ok_or(io::ErrorKind::InvalidInput)?;
    let bus = Bus::parse(question.text("bus")).ok_or(io::ErrorKind::InvalidData)?;
    add(id, &Lasting::Bus(bus, rule))
}

/// A rule that can be kept in a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// For a message bus.
    Bus(Bus, Rule),
    /// For the network.
    Network(net::Rule),
}

impl Lasting {
    /// The rule that would have allowed what an event tells of: for one name or address, and no more than that,
    /// for whatever would allow more somebody else has written.
    #[must_use]
    pub fn of(event: &Map<String, Json>) -> Option<Self> {
        let text = |key: &str| event.get(key).and_then(Json::as_str);
        let would_allow = text("would_allow")?;
        let Some(bus) = text("bus") else {
            let rule = net::Rule::parse(Verdict::Allow, would_allow).ok()?;
            return (rule.tier() == Tier::Host).then_some(Self::Network(rule));
        };
        let bus = Bus::parse(bus)?;
        let (access, rule) = would_allow.split_once('=')?;
        let rule = Rule::parse(Access::parse(access.trim())?, rule.trim()).ok()?;
        matches!(rule.name, NamePattern::Exact(_)).then_some(Self::Bus(bus, rule))
    }

    /// The list of the profile that it belongs to; what is done on the accessibility bus is not the profile's
    /// to say.
    #[must_use]
    pub fn option(&self) -> Option<&'static Opt> {
        match self {
            Self::Bus(bus, rule) => bus.option(rule.access),
            Self::Network(rule) => rule.verdict.option(),
        }
    }

    /// Its text in that list.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Bus(_, rule) => rule.to_string(),
            Self::Network(rule) => rule.to_string(),
        }
    }
}

/// Writes a rule into the user's own part of the stored profile `id`. It holds from the next launch on.
///
/// # Errors
/// When no profile has such rules, when the profile cannot be read or written, or could not be launched
/// with the rule.
pub fn add(id: &str, lasting: &Lasting) -> io::Result<()> {
    let key = lasting.option().ok_or(io::ErrorKind::Unsupported)?.key;
    let text = lasting.text();
    let context = Context::current().map_err(io::Error::other)?;
    let store = Store::of(&context);
    // What is read here must not be changed by another before it is written.
    let held = store.hold().map_err(io::Error::other)?;
    let profile = store.load(id).map_err(io::Error::other)?;
    let mut list = profile.value(key).as_list().to_vec();
    if list.contains(&text) {
        return Ok(());
    }
    list.push(text);
    let mut change = Layer::launch();
    change.set(key, Value::List(list)).map_err(io::Error::other)?;
    // What could not be launched is not kept.
    let mut layers = profile.layers().to_vec();
    layers.push(change.clone());
    Profile::new(id, layers).policy(&context).map_err(io::Error::other)?;
    held.save_override(id, &change, &[]).map_err(io::Error::other)
}

/// The rule that says of this very method of this object what was answered, and nothing more. There is
/// none for a call without an interface: it may be meant for any method of that name, and a rule for it
/// would be one for all methods.
fn rule(question: &Question, allow: bool) -> Option<Rule> {
    let text = |key| Some(question.text(key)).filter(|text| !text.is_empty());
    let interface = text("interface")?;
    let subject = Subject {
        path: question.text("path"),
        interface: Some(interface),
        member: question.text("member"),
        arg0: None,
    };
    let mut rule = Rule::allowing(question.text("destination"), &subject)?;
    if interface == PROPERTIES || asked_by(question)?.filter.arg0 != TextPattern::Any {
        // Cut or unreadable, it is none that a rule could name.
        let arg0 = text("arg0").filter(|arg0| !arg0.ends_with(['…', '*']))?;
        rule.filter.arg0 = TextPattern::Exact(arg0.to_owned());
        // What it is written as must be read as the same.
        Rule::parse(rule.access, &rule.to_string()).ok().filter(|read| *read == rule)?;
    }
    Some(if allow { rule } else { Rule { access: Access::Deny, ..rule } })
}

/// The rule that has it asked.
fn asked_by(question: &Question) -> Option<Rule> {
    let (access, rule) = question.text("rule").split_once(' ')?;
    Rule::parse(Access::parse(access)?, rule).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(changed: &[(&str, &str)]) -> Option<String> {
        let mut texts = Map::new();
        let all =
            [("bus", "session"), ("destination", "org.a.B"), ("path", "/p"), ("interface", "a.I")];
        for (key, text) in
            all.iter().chain(&[("member", "M"), ("rule", "ask org.a.B")]).chain(changed)
        {
            texts.insert((*key).to_owned(), json!(text));
        }
        rule(&Question::of_bus(1, texts), true).map(|rule| rule.to_string())
    }

    #[test]
    fn an_event_names_a_rule_for_one_name_or_none() {
        let of = |event: Json| Lasting::of(event.as_object().unwrap()).map(|one| one.text());
        let bus = |rule: &str| of(json!({ "bus": "session", "would_allow": rule }));
        assert_eq!(bus("call = org.x=org.x.I.M@/x").unwrap(), "org.x=org.x.I.M@/x");
        assert_eq!(
            (bus("talk = *"), bus("own = org.x.*"), bus("call ? org.x")),
            (None, None, None)
        );
        let network = |rule: &str| of(json!({ "would_allow": rule }));
        assert_eq!(network("a.example:443/tcp").unwrap(), "a.example:443/tcp");
        assert_eq!(network("192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(
            (network("*.example"), network("public"), network("10.0.0.0/8")),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_kept_says_no_more_than_what_was_asked() {
        assert_eq!(kept(&[("arg0", "x")]).unwrap(), "org.a.B=a.I.M@/p");
        assert_eq!(kept(&[("interface", "")]), None);
        let looked_at = ("rule", "ask org.a.B=a.I.M@/p arg0=safe*");
        assert_eq!(kept(&[looked_at, ("arg0", "safe1")]).unwrap(), "org.a.B=a.I.M@/p arg0=safe1");
        for unsayable in ["", "safe*", "safe…"] {
            assert_eq!(kept(&[looked_at, ("arg0", unsayable)]), None, "{unsayable}");
        }
        let set = [("interface", PROPERTIES), ("member", "Set"), ("arg0", "org.harmless")];
        assert_eq!(
            kept(&set).unwrap(),
            "org.a.B=org.freedesktop.DBus.Properties.Set@/p arg0=org.harmless"
        );
    }
}
