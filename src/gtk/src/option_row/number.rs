//! A whole number within bounds.

use super::control::{Control, Position, Reporter};
use crate::accessible::described;
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use gtk::prelude::*;

/// What stands for 0, where that is within the bounds.
const NO_LIMIT: &str = N_("No limit");

struct Number {
    spin: gtk::SpinButton,
    reporter: Reporter,
}

pub(super) fn new(
    option: &'static Opt,
    min: u32,
    max: u32,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let spin: gtk::SpinButton = described(&tr(option.title), &tr(option.summary));
    spin.set_range(f64::from(min), f64::from(max));
    spin.set_increments(1.0, 10.0);
    spin.set_numeric(min > 0);
    spin.set_valign(gtk::Align::Center);
    let none = tr(NO_LIMIT);
    if min == 0 {
        spin.set_width_chars(i32::try_from(none.chars().count()).unwrap_or(9).max(7));
        name_zero(&spin, none);
    }
    let report = reporter.clone();
    spin.connect_value_changed(move |spin| {
        report.set(Value::Number(i64::from(spin.value_as_int())));
    });
    (Box::new(Number { spin: spin.clone(), reporter }), Position::Suffix(spin.upcast()))
}

/// Shows 0 as words, and reads them back.
fn name_zero(spin: &gtk::SpinButton, words: String) {
    let shown = words.clone();
    spin.connect_output(move |spin| {
        let text = match spin.value_as_int() {
            0 => shown.clone(),
            number => number.to_string(),
        };
        if spin.text() != text {
            spin.set_text(&text);
        }
        gtk::glib::Propagation::Stop
    });
    spin.connect_input(move |spin| {
        let text = spin.text();
        if text == words {
            return Some(Ok(0.0));
        }
        Some(text.trim().parse::<u32>().map(f64::from).map_err(|_| ()))
    });
}

impl Control for Number {
    fn show(&self, value: &Value) {
        self.reporter.muted(|| self.spin.set_value(f64::from(value.as_number())));
    }

    fn operate(&self) {
        self.spin.grab_focus();
    }
}
