//! The network rules of a running app, as its page shows and changes them.

use arkose_profile::i18n::Message;
use arkose_profile::net::{Change, Rule, Rules, Verdict};
use arkose_session::host::Host;
use arkose_session::running::{self, NoAnswer};

/// How many are shown: more than that nobody reads here.
pub const MOST: usize = 200;

/// Those that hold now. It waits for the supervisor, and is no work for the main loop.
///
/// # Errors
/// When that is not known.
pub fn read(id: &str) -> Result<Rules, NoAnswer> {
    running::find(&Host::current(), id).map_err(|_| NoAnswer::Silent)?.rules()
}

/// Changes them, until the app ends.
///
/// # Errors
/// When nothing was changed.
pub fn change(id: &str, change: &Change) -> Result<(), NoAnswer> {
    running::find(&Host::current(), id).map_err(|_| NoAnswer::Silent)?.change_rules(change)
}

/// Has one count, and answers the change that undoes this.
///
/// # Errors
/// When nothing was changed.
pub fn add(id: &str, rule: &Rule) -> Result<Change, NoAnswer> {
    let same = |one: &Rule| (&one.target, one.ports) == (&rule.target, rule.ports);
    let before = read(id)?.list.into_iter().find(same);
    change(id, &Change::adding(rule.clone()))?;
    Ok(before.map_or_else(|| removing(rule.clone()), Change::adding))
}

/// The change that takes one away.
#[must_use]
pub fn removing(rule: Rule) -> Change {
    Change { remove: vec![rule], ..Change::default() }
}

/// The change to another default.
#[must_use]
pub fn defaulting(verdict: Verdict) -> Change {
    Change { default: Some(verdict), ..Change::default() }
}

/// The change that adds what somebody has written.
///
/// # Errors
/// What is wrong with it.
pub fn adding(verdict: Verdict, text: &str) -> Result<Change, Message> {
    Rule::parse(verdict, text.trim()).map(Change::adding)
}
