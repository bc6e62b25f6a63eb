//! Presets for the message buses: a switch for each.

use super::control::{Control, Position, Reporter};
use super::named_switches::{Named, NamedSwitches};
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::options::{DBUS_PRESETS, Opt};
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

struct Presets {
    switches: NamedSwitches,
    value: Rc<RefCell<Vec<String>>>,
}

pub(super) fn new(option: &'static Opt, reporter: &Reporter) -> (Box<dyn Control>, Position) {
    let value: Rc<RefCell<Vec<String>>> = Rc::default();
    let presets = DBUS_PRESETS.iter().map(|preset| Named {
        name: preset.name,
        title: preset.title,
        summary: preset.summary,
        risk: preset.risk,
    });
    let switches = NamedSwitches::new(&tr(option.title), presets, &value, reporter);
    let place = Position::Under(switches.list.clone().upcast());
    (Box::new(Presets { switches, value }), place)
}

impl Control for Presets {
    fn show(&self, value: &Value) {
        self.value.replace(value.as_list().to_vec());
        self.switches.show(value.as_list());
    }

    fn operate(&self) {
        self.switches.enter();
    }
}
