//! Writing an answer that is to last into the user's own part of the profile.

use super::questions::Question;
use crate::error::{Error, Kind};
use crate::spec::LaunchSpec;
use arkose_profile::bus::{Access, Bus, Rule, Subject};
use arkose_profile::{Context, Layer, Profile, Store, Value};
use std::io;

/// Writes it where the launch came from a profile that is kept; elsewhere it holds for this launch.
pub(super) fn keep(question: &Question, allow: bool, spec: &LaunchSpec) {
    let Some(profile) = spec.profile.as_ref().filter(|_| spec.stored) else { return };
    if let Err(cause) = write(question, allow, profile) {
        (spec.note)(&Error::new(Kind::NotKept).value(profile).because(cause));
    }
}

fn write(question: &Question, allow: bool, id: &str) -> io::Result<()> {
    let rule = rule(question, allow).ok_or(io::ErrorKind::InvalidData)?;
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
    let context = Context::current().map_err(io::Error::other)?;
    let store = Store::of(&context);
    // What is read here must not be changed by another before it is written.
    let held = store.hold().map_err(io::Error::other)?;
    let profile = store.load(id).map_err(io::Error::other)?;
    let mut list = profile.value(key).as_list().to_vec();
    let text = rule.to_string();
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

/// The rule that says of this very method of this object what was answered, and nothing more.
fn rule(question: &Question, allow: bool) -> Option<Rule> {
    let text = |key| Some(question.text(key)).filter(|text| !text.is_empty());
    let subject = Subject {
        path: question.text("path"),
        interface: text("interface"),
        member: question.text("member"),
        arg0: None,
    };
    let rule = Rule::allowing(question.text("destination"), &subject)?;
    Some(if allow { rule } else { Rule { access: Access::Deny, ..rule } })
}
