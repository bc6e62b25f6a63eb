//! What a list of rules comes to for one message.
//!
//! The rules are put in order once: what refuses first, then the most specific first, and of two that
//! are equally specific the one that allows before the one that asks. The first that matches decides.
//! Nothing here allocates, and nothing looks at more than a message's header and first argument.

use super::pattern::NamePattern;
use super::rule::{Access, Rule};
use std::cmp::Reverse;

/// What a rule can look at of a call or a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The object.
    pub path: &'a str,
    /// The interface, which a call need not name.
    pub interface: Option<&'a str>,
    /// The method or signal.
    pub member: &'a str,
    /// The first argument, where it is a text.
    pub arg0: Option<&'a str>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'r> {
    /// It goes through, by that rule.
    Allow(&'r Rule),
    /// The person is asked, by that rule.
    Ask(&'r Rule),
    /// It is refused: by that rule, or because none allows it.
    Deny(Option<&'r Rule>),
    /// It is answered as if there were no such peer.
    Hidden,
}

/// The rules of one bus, in the order in which they decide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    arg0: bool,
}

impl Rules {
    /// Puts rules in order; the order in which they come does not matter.
    #[must_use]
    pub fn new(mut rules: Vec<Rule>) -> Self {
        rules.sort_by_cached_key(|rule| {
            let refuses = rule.access == Access::Deny;
            (!refuses, Reverse((rule.name.rank(), rule.filter.rank())), rule.access == Access::Ask)
        });
        let arg0 = rules.iter().any(|rule| rule.filter.arg0 != super::TextPattern::Any);
        Self { rules, arg0 }
    }

    /// The rules, in the order in which they decide.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether a peer with these names is visible: some rule is about one of them, and none refuses
    /// the whole of it.
    pub fn sees<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> bool {
        self.has(names, |_| true)
    }

    /// Whether a peer with these names may be started and watched: some rule lets something be sent
    /// to it, asked for or not.
    pub fn talks<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> bool {
        self.has(names, |access| !matches!(access, Access::See | Access::Broadcast))
    }

    /// Whether the app may own that name.
    #[must_use]
    pub fn owns(&self, name: &str) -> bool {
        self.has(std::iter::once(name), |access| access == Access::Own)
    }

    /// What becomes of a call; `names` are all well-known names that its destination has.
    pub fn call<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
        subject: &Subject<'_>,
    ) -> Decision<'_> {
        let mut visible = false;
        for rule in &self.rules {
            if !rule.name.matches_any(names.clone()) {
                continue;
            }
            match rule.access {
                Access::Deny if rule.filter.matches(subject, true) => {
                    return Decision::Deny(Some(rule));
                }
                Access::Ask if rule.filter.matches(subject, true) => return Decision::Ask(rule),
                Access::Talk | Access::Own | Access::Call
                    if rule.filter.matches(subject, false) =>
                {
                    return Decision::Allow(rule);
                }
                access => visible |= access != Access::Deny,
            }
        }
        if visible { Decision::Deny(None) } else { Decision::Hidden }
    }

    /// Whether a signal reaches the app; `names` are all well-known names of its sender.
    pub fn broadcast<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
        subject: &Subject<'_>,
    ) -> bool {
        for rule in &self.rules {
            let decides = match rule.access {
                Access::Deny | Access::Talk | Access::Own | Access::Broadcast => true,
                Access::See | Access::Call | Access::Ask => false,
            };
            if decides
                && rule.name.matches_any(names.clone())
                && rule.filter.matches(subject, rule.access == Access::Deny)
            {
                return rule.access != Access::Deny;
            }
        }
        false
    }

    /// Whether any rule looks at first arguments; if none does, no body need be read.
    #[must_use]
    pub fn looks_at_arg0(&self) -> bool {
        self.arg0
    }

    /// The names whose coming and going the app may learn of, perhaps repeated.
    pub fn named(&self) -> impl Iterator<Item = &NamePattern> {
        self.rules.iter().filter(|rule| rule.access != Access::Deny).map(|rule| &rule.name)
    }

    /// Whether a rule of such an access is about one of the names, and none refuses the whole of one.
    fn has<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
        wanted: impl Fn(Access) -> bool,
    ) -> bool {
        for rule in &self.rules {
            let refuses = rule.access == Access::Deny;
            let counts = if refuses { rule.filter.is_any() } else { wanted(rule.access) };
            if counts && rule.name.matches_any(names.clone()) {
                return !refuses;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(list: &[(Access, &str)]) -> Rules {
        let parsed = list.iter().map(|(access, text)| Rule::parse(*access, text).unwrap());
        Rules::new(parsed.collect())
    }

    fn subject<'a>(interface: Option<&'a str>, member: &'a str, path: &'a str) -> Subject<'a> {
        Subject { path, interface, member, arg0: None }
    }

    /// What becomes of `org.i.I.member` on `/p` of a peer with these names: a word and the rule.
    fn call(rules: &Rules, names: &[&str], member: &str) -> String {
        told(rules.call(names.iter().copied(), &subject(Some("org.i.I"), member, "/p")))
    }

    fn told(decision: Decision<'_>) -> String {
        match decision {
            Decision::Allow(rule) => format!("allow {} {rule}", rule.access),
            Decision::Ask(rule) => format!("ask {rule}"),
            Decision::Deny(Some(rule)) => format!("deny {rule}"),
            Decision::Deny(None) => "deny".to_owned(),
            Decision::Hidden => "hidden".to_owned(),
        }
    }

    #[test]
    fn nothing_is_allowed_without_a_rule() {
        let none = Rules::default();
        assert_eq!(call(&none, &["org.a.A"], "M"), "hidden");
        assert!(!none.sees(["org.a.A"].into_iter()) && !none.owns("org.a.A"));
        assert!(!none.broadcast(["org.a.A"].into_iter(), &subject(Some("org.i.I"), "S", "/")));
    }

    #[test]
    fn each_level_holds_the_ones_below() {
        let all = rules(&[
            (Access::See, "org.a.Seen"),
            (Access::Talk, "org.a.Talked"),
            (Access::Own, "org.a.Owned"),
            (Access::Call, "org.a.Called=org.i.I.M"),
            (Access::Broadcast, "org.a.Heard=org.i.I.*"),
        ]);
        assert_eq!(call(&all, &["org.a.Seen"], "M"), "deny");
        assert_eq!(call(&all, &["org.a.Talked"], "M"), "allow talk org.a.Talked");
        assert_eq!(call(&all, &["org.a.Owned"], "M"), "allow own org.a.Owned");
        assert_eq!(call(&all, &["org.a.Called"], "M"), "allow call org.a.Called=org.i.I.M");
        assert_eq!(call(&all, &["org.a.Called"], "N"), "deny");
        assert_eq!(call(&all, &["org.a.Heard"], "M"), "deny");
        assert_eq!(call(&all, &["org.a.Other"], "M"), "hidden");
        for name in ["Seen", "Talked", "Owned", "Called", "Heard"] {
            let name = format!("org.a.{name}");
            assert!(all.sees([name.as_str()].into_iter()), "{name}");
            assert_eq!(all.owns(&name), name == "org.a.Owned");
            let talks = !matches!(name.as_str(), "org.a.Seen" | "org.a.Heard");
            assert_eq!(all.talks([name.as_str()].into_iter()), talks, "{name}");
        }
        let hears = |name, interface| {
            all.broadcast([name].into_iter(), &subject(Some(interface), "S", "/p"))
        };
        assert!(hears("org.a.Talked", "x.y") && hears("org.a.Owned", "x.y"));
        assert!(hears("org.a.Heard", "org.i.I") && !hears("org.a.Heard", "x.y"));
        assert!(!hears("org.a.Seen", "x.y") && !hears("org.a.Called", "org.i.I"));
    }

    #[test]
    fn what_is_refused_stays_refused() {
        let all = rules(&[
            (Access::Talk, "*"),
            (Access::Call, "org.a.A=org.i.I.M@/p"),
            (Access::Own, "org.b.*"),
            (Access::Deny, "*=org.i.I.M"),
            (Access::Deny, "org.b.B"),
        ]);
        assert_eq!(call(&all, &["org.a.A"], "M"), "deny *=org.i.I.M");
        assert_eq!(call(&all, &["org.a.A"], "N"), "allow talk *");
        assert_eq!(call(&all, &["org.b.B"], "N"), "deny org.b.B");
        // A peer is refused by any of its names, and hidden with all of them.
        assert_eq!(call(&all, &["org.c.C", "org.b.B"], "N"), "deny org.b.B");
        assert!(!all.sees(["org.c.C", "org.b.B"].into_iter()) && all.sees(["org.c.C"].into_iter()));
        assert!(!all.owns("org.b.B") && all.owns("org.b.C"));
        assert!(!all.broadcast(["org.b.B"].into_iter(), &subject(Some("x.y"), "S", "/")));
    }

    #[test]
    fn the_most_specific_wins_and_allowing_beats_asking_at_a_tie() {
        let all = rules(&[
            (Access::Talk, "org.p.x"),
            (Access::Talk, "org.a.*"),
            (Access::Ask, "org.a.b.*"),
            (Access::Talk, "org.a.b.C"),
            (Access::Ask, "org.a.b.C=*@/p/*"),
            (Access::Call, "org.a.b.C=org.i.I.*@/p"),
            (Access::Ask, "org.a.b.C=org.i.I.Asked@/p"),
            (Access::Ask, "org.t.T"),
            (Access::Talk, "org.t.T"),
        ]);
        assert_eq!(call(&all, &["org.a.x"], "M"), "allow talk org.a.*");
        assert_eq!(call(&all, &["org.a.b.x"], "M"), "ask org.a.b.*");
        assert_eq!(call(&all, &["org.a.b.C"], "M"), "allow call org.a.b.C=org.i.I.*@/p");
        assert_eq!(call(&all, &["org.a.b.C"], "Asked"), "ask org.a.b.C=org.i.I.Asked@/p");
        let below = all.call(["org.a.b.C"].into_iter(), &subject(Some("org.i.I"), "M", "/p/q"));
        assert_eq!(told(below), "ask org.a.b.C=*@/p/*");
        let elsewhere = all.call(["org.a.b.C"].into_iter(), &subject(Some("org.i.I"), "M", "/q"));
        assert_eq!(told(elsewhere), "allow talk org.a.b.C");
        assert_eq!(call(&all, &["org.t.T"], "M"), "allow talk org.t.T");
    }

    #[test]
    fn a_call_that_names_no_interface_slips_past_nothing() {
        let all = rules(&[
            (Access::Call, "org.a.A=org.i.I.M"),
            (Access::Talk, "org.b.B"),
            (Access::Deny, "org.b.B=org.i.I.Bad"),
            (Access::Ask, "org.b.B=org.j.J.*"),
        ]);
        let unnamed =
            |name, member| told(all.call([name].into_iter(), &subject(None, member, "/p")));
        assert_eq!(unnamed("org.a.A", "M"), "deny");
        assert_eq!(unnamed("org.b.B", "Bad"), "deny org.b.B=org.i.I.Bad");
        assert_eq!(unnamed("org.b.B", "M"), "ask org.b.B=org.j.J.*");
    }

    #[test]
    fn first_arguments_are_looked_at_where_a_rule_says_so() {
        let all = rules(&[
            (Access::Call, "org.a.A=org.i.I.M arg0=one"),
            (Access::Call, "org.a.A=org.i.I.M arg0=two*"),
        ]);
        assert!(all.looks_at_arg0() && !rules(&[(Access::Talk, "org.a.A")]).looks_at_arg0());
        let with = |arg0| {
            let subject = Subject { arg0, ..subject(Some("org.i.I"), "M", "/p") };
            told(all.call(["org.a.A"].into_iter(), &subject))
        };
        assert_eq!(with(Some("one")), "allow call org.a.A=org.i.I.M arg0=one");
        assert_eq!(with(Some("two and more")), "allow call org.a.A=org.i.I.M arg0=two*");
        assert_eq!(with(Some("oneself")), "deny");
        assert_eq!(with(None), "deny");
    }

    #[test]
    fn a_peer_without_names_is_reached_by_a_star_alone() {
        assert_eq!(call(&rules(&[(Access::Talk, "*")]), &[], "M"), "allow talk *");
        assert_eq!(call(&rules(&[(Access::Talk, "org.a.*")]), &[], "M"), "hidden");
    }
}
