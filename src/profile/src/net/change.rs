//! A change of rules that hold already: what is added, what goes, and another default.
//!
//! What is added takes the place of whatever was said about exactly the same before: who allows now what
//! was refused a moment ago means it.

use super::ports::Ports;
use super::rule::{Rule, Target};
use super::{Rules, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most rules that an app may come to have while it runs.
pub const MOST_RULES: usize = 65536;

/// What is to change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What becomes of a connection that no rule is about, where that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Verdict>,
    /// Rules that hold from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Rule>,
    /// Rules that hold no more; their verdicts do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Rule>,
}

/// Why nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// There is no such rule that could go.
    Missing(Rule),
    /// There would be too many.
    TooMany,
}

/// What a rule is about.
fn about(rule: &Rule) -> (&Target, Ports) {
    (&rule.target, rule.ports)
}

impl Change {
    /// That which adds one rule.
    #[must_use]
    pub fn adding(rule: Rule) -> Self {
        Self { add: vec![rule], ..Self::default() }
    }

    /// Whether it changes nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rules after it.
    ///
    /// # Errors
    /// When it removes what is not there, or there would be too many.
    pub fn of(&self, rules: &Rules) -> Result<Rules, Unchanged> {
        let there: HashSet<_> = rules.list.iter().map(about).collect();
        if let Some(missing) = self.remove.iter().find(|rule| !there.contains(&about(rule))) {
            return Err(Unchanged::Missing(missing.clone()));
        }
        let gone: HashSet<_> = self.remove.iter().chain(&self.add).map(about).collect();
        let stay = rules.list.iter().filter(|rule| !gone.contains(&about(rule)));
        // Of two that say different things about the same, what was said last counts.
        let mut said = HashSet::new();
        let mut added: Vec<_> =
            self.add.iter().rev().filter(|rule| said.insert(about(rule))).collect();
        added.reverse();
        let list: Vec<Rule> = stay.chain(added).cloned().collect();
        if list.len() > MOST_RULES {
            return Err(Unchanged::TooMany);
        }
        Ok(Rules { default: self.default.unwrap_or(rules.default), list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let (verdict, text) = text.split_once(' ').unwrap();
        Rule::parse(Verdict::parse(verdict).unwrap(), text).unwrap()
    }

    fn rules(texts: &[&str]) -> Rules {
        Rules { default: Verdict::Deny, list: texts.iter().map(|text| rule(text)).collect() }
    }

    fn change(add: &[&str], remove: &[&str]) -> Change {
        Change { default: None, add: rules(add).list, remove: rules(remove).list }
    }

    #[test]
    fn what_is_said_last_about_the_same_counts() {
        let before = rules(&["deny a.example:443", "allow lan", "ask public"]);
        let after = |add: &[&str], remove: &[&str]| change(add, remove).of(&before).unwrap();
        assert_eq!(
            after(&["allow a.example:443"], &[]),
            rules(&["allow lan", "ask public", "allow a.example:443"])
        );
        assert_eq!(
            after(&["allow b.example", "deny b.example"], &["deny public"]),
            rules(&["deny a.example:443", "allow lan", "deny b.example"])
        );
        let change = Change { default: Some(Verdict::Ask), ..Change::default() };
        assert_eq!(change.of(&before).unwrap(), Rules { default: Verdict::Ask, ..before });
    }

    #[test]
    fn what_is_not_there_cannot_go_and_there_is_a_most() {
        let before = rules(&["allow lan:443"]);
        let missing = rule("deny lan");
        assert_eq!(change(&[], &["deny lan"]).of(&before), Err(Unchanged::Missing(missing)));
        let many = |count: usize| {
            let nth =
                |n: usize| rule(&format!("allow 10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255));
            Change { add: (0..count).map(nth).collect(), ..Change::default() }
        };
        assert_eq!(many(MOST_RULES).of(&before), Err(Unchanged::TooMany));
        assert_eq!(many(MOST_RULES - 1).of(&before).unwrap().list.len(), MOST_RULES);
    }

    #[test]
    fn it_crosses_as_text_and_what_is_none_does_not() {
        let one =
            Change { default: Some(Verdict::Ask), ..change(&["allow a.example"], &["deny lan"]) };
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), one);
        for wrong in [r#"{"add":[{"verdict":"allow","rule":"host"}]}"#, r#"{"more":1}"#] {
            serde_json::from_str::<Change>(wrong).unwrap_err();
        }
    }
}
