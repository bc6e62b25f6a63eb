//! Writing an answer that is to last into the user's own part of the profile.

use super::{Question, Source};
use crate::error::{Error, Kind};
use crate::spec::LaunchSpec;
use arkose_profile::bus::{Access, Bus, Rule, Subject, TextPattern};
use arkose_profile::net::{self, Verdict};
use arkose_profile::{Context, Layer, Profile, Store, Value};
use std::io;

/// Whose methods are for all interfaces of an object; which one, their first argument says.
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Writes it where the launch came from a profile that is kept; elsewhere it holds for this launch.
pub(super) fn keep(question: &Question, allow: bool, spec: &LaunchSpec) {
    let Some(profile) = spec.profile.as_ref().filter(|_| spec.stored) else { return };
    if let Err(cause) = write(question, allow, profile) {
        (spec.note)(&Error::new(Kind::NotKept).value(profile).because(cause));
    }
}

fn write(question: &Question, allow: bool, id: &str) -> io::Result<()> {
    if question.source == Source::Network {
        let verdict = if allow { Verdict::Allow } else { Verdict::Deny };
        // The narrowest rule about it, in words that are a rule's alone.
        let rule = net::Rule::parse(verdict, question.text("would_allow"));
        return add_network(id, &rule.map_err(|why| io::Error::other(why.to_string()))?);
    }
    let rule = rule(question, allow).ok_or(io::ErrorKind::InvalidInput)?;
    let bus = Bus::parse(question.text("bus")).ok_or(io::ErrorKind::InvalidData)?;
    add(id, bus, &rule)
}

/// Writes a rule into the user's own part of the stored profile `id`. It holds from the next launch on.
///
/// # Errors
/// When no profile has rules for that bus, when the profile cannot be read or written, or could not be
/// launched with the rule.
pub fn add(id: &str, bus: Bus, rule: &Rule) -> io::Result<()> {
    // What is done on the accessibility bus is not the profile's to say.
    let key = bus.option(rule.access).ok_or(io::ErrorKind::Unsupported)?.key;
    add_to(id, key, rule.to_string())
}

/// Writes a rule for the network into the user's own part of the stored profile `id`. It holds from the next
/// launch on.
///
/// # Errors
/// When the profile cannot be read or written, or could not be launched with the rule.
pub fn add_network(id: &str, rule: &net::Rule) -> io::Result<()> {
    let key = rule.verdict.option().ok_or(io::ErrorKind::Unsupported)?.key;
    add_to(id, key, rule.to_string())
}

/// Adds to a list.
fn add_to(id: &str, key: &str, text: String) -> io::Result<()> {
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
    use super::super::Source;
    use super::*;
    use serde_json::{Map, json};

    fn kept(changed: &[(&str, &str)]) -> Option<String> {
        let mut texts = Map::new();
        let all =
            [("bus", "session"), ("destination", "org.a.B"), ("path", "/p"), ("interface", "a.I")];
        for (key, text) in
            all.iter().chain(&[("member", "M"), ("rule", "ask org.a.B")]).chain(changed)
        {
            texts.insert((*key).to_owned(), json!(text));
        }
        rule(&Question { key: 1, source: Source::Bus, number: 1, texts }, true)
            .map(|rule| rule.to_string())
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
