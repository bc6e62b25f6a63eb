//! What every control of an option row does, and which control an option gets.

use super::{choice, devices, line, list, presets, spin, switch};
use arkose_profile::Value;
use arkose_profile::options::{Kind, Opt};
use std::cell::Cell;
use std::rc::Rc;

/// What the user did to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Chose another value.
    Set(Value),
    /// Took one entry out of a list: the list without it, and the entry.
    Removed(Value, String),
}

/// The part of a row that shows a value and changes it.
pub(super) trait Control {
    /// Shows a value without reporting it.
    fn show(&self, value: &Value);

    /// What the row was activated for.
    fn operate(&self);

    /// The sentence under the title, where it depends on the value.
    fn explanation(&self, value: &Value) -> Option<String> {
        let _ = value;
        None
    }
}

/// Where in the row a control stands.
pub(super) enum Position {
    /// At the end of the first line.
    Suffix(gtk::Widget),
    /// Below, as wide as the row, in place of the explanation.
    Below(gtk::Widget),
    /// Below the explanation, as wide as the row.
    Under(gtk::Widget),
    /// One part at each place.
    Both(gtk::Widget, gtk::Widget),
}

/// Reports what the user does, but not what [`Control::show`] does.
#[derive(Clone)]
pub(super) struct Reporter {
    report: Rc<dyn Fn(Edit)>,
    muted: Rc<Cell<bool>>,
}

impl Reporter {
    pub(super) fn set(&self, value: Value) {
        if !self.muted.get() {
            (self.report)(Edit::Set(value));
        }
    }

    pub(super) fn removed(&self, value: Value, entry: String) {
        if !self.muted.get() {
            (self.report)(Edit::Removed(value, entry));
        }
    }

    /// Runs `draw` without reporting what it changes.
    pub(super) fn muted(&self, draw: impl FnOnce()) {
        self.muted.set(true);
        draw();
        self.muted.set(false);
    }
}

/// The control for an option, and where it stands.
pub(super) fn new(option: &'static Opt, report: Rc<dyn Fn(Edit)>) -> (Box<dyn Control>, Position) {
    let reporter = Reporter { report, muted: Rc::default() };
    match option.kind {
        Kind::Switch(_) => switch::new(option, reporter),
        Kind::Choice(choices) => choice::new(option, choices, reporter),
        Kind::Text => line::text(option, reporter),
        Kind::Bridge => line::bridge(option, reporter),
        Kind::Command => line::command(option, reporter),
        Kind::Paths(_) => list::paths(option, reporter),
        Kind::Environment => list::environment(option, reporter),
        Kind::Calls => list::calls(option, reporter),
        Kind::BusRules(_, access) => list::bus_rules(option, access, reporter),
        Kind::NetworkRules(_) => list::network_rules(option, reporter),
        Kind::OwnAddresses => list::addresses(option, "192.168.5.20/24", reporter),
        Kind::Routers => list::addresses(option, "192.168.5.1", reporter),
        Kind::BusPresets => presets::new(option, &reporter),
        Kind::Devices => devices::new(option, reporter),
        Kind::Size => spin::size(option, reporter),
        Kind::Number { min, max } => spin::number(option, min, max, reporter),
    }
}
