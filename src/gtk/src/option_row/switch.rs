//! A switch: on means that the app may.

use super::control::{Control, Position, Reporter};
use crate::accessible::described;
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::options::Opt;
use gtk::prelude::*;

struct Switch {
    switch: gtk::Switch,
    reporter: Reporter,
}

pub(super) fn new(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let switch: gtk::Switch = described(&tr(option.title), &tr(option.summary));
    switch.set_valign(gtk::Align::Center);
    let report = reporter.clone();
    switch.connect_active_notify(move |switch| report.set(Value::Bool(switch.is_active())));
    (Box::new(Switch { switch: switch.clone(), reporter }), Position::Suffix(switch.upcast()))
}

impl Control for Switch {
    fn show(&self, value: &Value) {
        self.reporter.muted(|| self.switch.set_active(value.as_bool()));
    }

    fn operate(&self) {
        self.switch.activate();
    }
}
