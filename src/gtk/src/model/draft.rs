//! A profile as the page shows it: what is stored, and what was changed for this launch.
//!
//! Every edit goes into the launch layer and can be undone. Nothing is written here; the page
//! saves the launch layer when the user says so.

use arkose_profile::options::{Conflict, Kind, OPTIONS, Opt, option};
use arkose_profile::{Context, Errors, Layer, Origin, Policy, Profile, Value};

/// What “reset” means for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// There is nothing to go back to.
    Nothing,
    /// Drop the change for this launch.
    Change,
    /// Take the value out of the user's override.
    Override,
}

/// One undoable edit.
#[derive(Debug, Clone)]
struct Step {
    /// The launch layer before it.
    before: Layer,
    /// The option that was edited; `None` when it was more than one.
    key: Option<&'static str>,
}

/// A profile and what was changed for this launch.
#[derive(Debug, Clone)]
pub struct Draft {
    stored: Profile,
    launch: Layer,
    effective: Profile,
    history: Vec<Step>,
}

impl Draft {
    /// A draft without changes.
    #[must_use]
    pub fn new(stored: Profile) -> Self {
        let launch = Layer::launch();
        let effective = stored.with_layer(launch.clone());
        Self { stored, launch, effective, history: Vec::new() }
    }

    /// The profile as it is in its files.
    #[must_use]
    pub fn stored(&self) -> &Profile {
        &self.stored
    }

    /// The profile as it would be launched now.
    #[must_use]
    pub fn effective(&self) -> &Profile {
        &self.effective
    }

    /// What was changed for this launch.
    #[must_use]
    pub fn changes(&self) -> &Layer {
        &self.launch
    }

    /// How many options were changed for this launch.
    #[must_use]
    pub fn change_count(&self) -> usize {
        self.launch.iter().count()
    }

    /// Takes a freshly read profile and keeps what was changed for this launch and still differs.
    pub fn restore(&mut self, stored: Profile) {
        if self.stored == stored {
            return;
        }
        self.stored = stored;
        let same = |(key, value): &(&'static str, &Value)| self.stored.value(key) == **value;
        let gone: Vec<_> = self.launch.iter().filter(same).map(|(key, _)| key).collect();
        for key in gone {
            self.launch.unset(key);
        }
        self.history.clear();
        self.refresh();
    }

    /// Changes a value for this launch. A value that is the stored one is no change.
    ///
    /// # Errors
    /// When the option does not take that value; the draft is as before then.
    pub fn set(&mut self, option: &'static Opt, value: Value) -> Result<(), Errors> {
        if self.effective.value(option.key) == value {
            return Ok(());
        }
        let before = self.launch.clone();
        if self.stored.value(option.key) == value {
            self.launch.unset(option.key);
        } else {
            self.launch.set(option.key, value)?;
        }
        // Typing is one edit, not one a letter.
        let typing = matches!(
            option.kind,
            Kind::Text | Kind::Bridge | Kind::Command | Kind::Size | Kind::Number { .. }
        );
        let goes_on = self.history.last().is_some_and(|step| step.key == Some(option.key));
        if !(typing && goes_on) {
            self.history.push(Step { before, key: Some(option.key) });
        }
        self.refresh();
        Ok(())
    }

    /// What “reset” does for an option.
    #[must_use]
    pub fn way_back(&self, key: &str) -> WayBack {
        if self.launch.get(key).is_some() {
            return WayBack::Change;
        }
        let overrides = self.stored.layers().len() > 1;
        match self.stored.origin(key) {
            Origin::User(_) if overrides => WayBack::Override,
            _ => WayBack::Nothing,
        }
    }

    /// Drops the change of one option.
    pub fn discard(&mut self, key: &str) {
        let before = self.launch.clone();
        if self.launch.unset(key) {
            let key = option(key).map(|option| option.key);
            self.history.push(Step { before, key });
            self.refresh();
        }
    }

    /// Drops every change.
    pub fn discard_all(&mut self) {
        if !self.launch.is_empty() {
            let before = std::mem::replace(&mut self.launch, Layer::launch());
            self.history.push(Step { before, key: None });
            self.refresh();
        }
    }

    /// Whether there is an edit to take back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.history.is_empty()
    }

    /// Takes the last edit back; says which option it was about, when it was one.
    pub fn undo(&mut self) -> Option<&'static str> {
        let step = self.history.pop()?;
        self.launch = step.before;
        self.refresh();
        step.key
    }

    /// The policy as it would be enforced.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn policy(&self, context: &Context) -> Result<Policy, Errors> {
        self.effective.policy(context)
    }

    /// The settings that cannot go together, each with both options.
    #[must_use]
    pub fn conflicts(&self) -> Vec<(&'static Opt, &'static Opt, &'static Conflict)> {
        let each = OPTIONS.iter().flat_map(|one| one.conflicts.iter().map(move |c| (one, c)));
        let clash = each.filter(|(one, conflict)| {
            let other = self.effective.value(conflict.other).plain();
            self.effective.value(one.key).plain() == conflict.value
                && conflict.other_values.contains(&other.as_str())
        });
        clash.filter_map(|(one, conflict)| Some((one, option(conflict.other)?, conflict))).collect()
    }

    fn refresh(&mut self) {
        self.effective = self.stored.with_layer(self.launch.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opt(key: &str) -> &'static Opt {
        option(key).unwrap()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn draft() -> Draft {
        let shipped = Origin::Shipped("/s/a.toml".into());
        let shipped = Layer::parse("name = \"A\"\nnetwork = \"none\"\n", shipped).unwrap();
        let user = Layer::parse("pulseaudio = true\n", Origin::User("/u/a.toml".into())).unwrap();
        Draft::new(Profile::new("a", vec![shipped, user]))
    }

    #[test]
    fn a_change_holds_for_the_launch_and_is_undone() {
        let mut draft = draft();
        draft.set(opt("network"), text("direct")).unwrap();
        assert_eq!(draft.effective().value("network"), text("direct"));
        assert_eq!(draft.effective().origin("network"), &Origin::Launch);
        assert_eq!(draft.stored().value("network"), text("none"));
        assert_eq!(draft.undo(), Some("network"));
        assert_eq!(draft.change_count(), 0);
        assert!(!draft.can_undo());
    }

    #[test]
    fn going_back_to_the_stored_value_is_no_change() {
        let mut draft = draft();
        draft.set(opt("network"), text("direct")).unwrap();
        draft.set(opt("network"), text("none")).unwrap();
        assert!(draft.changes().is_empty());
        assert_eq!(draft.undo(), Some("network"));
        assert_eq!(draft.change_count(), 1);
    }

    #[test]
    fn typing_is_one_edit() {
        let mut draft = draft();
        for typed in ["E", "Ed", "Edi"] {
            draft.set(opt("name"), text(typed)).unwrap();
        }
        draft.undo();
        assert_eq!(draft.effective().name(), "A");
    }

    #[test]
    fn a_value_that_the_option_does_not_take_changes_nothing() {
        let mut draft = draft();
        let relative = Value::List(vec!["Documents".to_owned()]);
        assert!(draft.set(opt("files.bind"), relative).is_err());
        assert!(draft.changes().is_empty() && !draft.can_undo());
    }

    #[test]
    fn every_row_knows_its_way_back() {
        let mut draft = draft();
        assert_eq!(draft.way_back("pulseaudio"), WayBack::Override);
        assert_eq!(draft.way_back("network"), WayBack::Nothing);
        draft.set(opt("pulseaudio"), Value::Bool(false)).unwrap();
        assert_eq!(draft.way_back("pulseaudio"), WayBack::Change);
        draft.discard("pulseaudio");
        assert_eq!(draft.effective().value("pulseaudio"), Value::Bool(true));
        assert_eq!(draft.undo(), Some("pulseaudio"));
        draft.discard_all();
        assert!(draft.changes().is_empty());
        draft.undo();
        assert_eq!(draft.change_count(), 1);
    }

    #[test]
    fn a_profile_read_anew_keeps_the_changes_that_still_differ() {
        let mut draft = draft();
        draft.set(opt("network"), text("direct")).unwrap();
        draft.set(opt("dbus"), text("session")).unwrap();
        let saved = Layer::parse("network = \"direct\"", Origin::User("/u/a.toml".into())).unwrap();
        draft.restore(Profile::new("a", vec![saved]));
        let left: Vec<_> = draft.changes().iter().map(|(key, _)| key).collect();
        assert_eq!(left, ["dbus"]);
    }

    #[test]
    fn both_sides_of_a_conflict_are_named() {
        let mut draft = draft();
        draft.set(opt("runas"), text("root")).unwrap();
        assert!(draft.conflicts().is_empty());
        draft.set(opt("dbus"), text("session")).unwrap();
        let keys: Vec<_> = draft.conflicts().iter().map(|(a, b, _)| (a.key, b.key)).collect();
        assert_eq!(keys, [("runas", "dbus")]);
    }
}
