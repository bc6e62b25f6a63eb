//! A number: a whole one within bounds, or bytes shown with their unit (`500 MiB`, `2 GiB`).

use super::control::{Control, Position, Reporter};
use crate::accessible::described;
use crate::i18n::tr;
use crate::model::size;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use gtk::glib;
use gtk::prelude::*;

/// What stands for 0, where no limit of our own is set: the kernel has one for changes, and else
/// there is none.
const AUTOMATIC: &str = N_("Automatic");
const NO_LIMIT: &str = N_("No limit");

/// How the number of the spin button is written, and read from what is typed or stored.
#[derive(Clone, Copy)]
struct Form {
    shown: fn(u32) -> String,
    typed: fn(&str) -> Option<u32>,
    stored: fn(u32) -> Value,
    read: fn(&Value) -> u32,
}

const COUNT: Form = Form {
    shown: |number| number.to_string(),
    typed: |text| text.parse().ok(),
    stored: |number| Value::Number(i64::from(number)),
    read: Value::as_number,
};

const BYTES: Form = Form {
    shown: size::shown,
    typed: size::parse,
    stored: |mebibytes| Value::Text(size::written(mebibytes)),
    read: |value| size::parse(value.as_text()).unwrap_or(0),
};

struct Spin {
    spin: gtk::SpinButton,
    form: Form,
    reporter: Reporter,
}

/// A whole number.
pub(super) fn number(
    option: &'static Opt,
    min: u32,
    max: u32,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    new(option, (min, max), (1.0, 10.0), COUNT, reporter)
}

/// A number of bytes, in whole mebibytes.
pub(super) fn size(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    new(option, (0, size::LARGEST), (64.0, 1024.0), BYTES, reporter)
}

fn new(
    option: &'static Opt,
    (min, max): (u32, u32),
    (step, page): (f64, f64),
    form: Form,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let spin: gtk::SpinButton = described(&tr(option.title), &tr(option.summary));
    spin.set_range(f64::from(min), f64::from(max));
    spin.set_increments(step, page);
    spin.set_valign(gtk::Align::Center);
    let zero = tr(if option.key == "limits.cow-size" { AUTOMATIC } else { NO_LIMIT });
    // All numbers of a page are as wide, so that their buttons stand below each other.
    spin.set_width_chars(i32::try_from(zero.chars().count()).unwrap_or(9).max(9));
    let nothing = zero.clone();
    spin.connect_output(move |spin| {
        let text = match size::from_spin(spin.value()) {
            0 => nothing.clone(),
            number => (form.shown)(number),
        };
        if spin.text() != text {
            spin.set_text(&text);
        }
        glib::Propagation::Stop
    });
    spin.connect_input(move |spin| {
        let text = spin.text();
        let read = if text == zero { Some(0) } else { (form.typed)(text.trim()) };
        Some(read.map(f64::from).ok_or(()))
    });
    let report = reporter.clone();
    spin.connect_value_changed(move |spin| {
        report.set((form.stored)(size::from_spin(spin.value())));
    });
    (Box::new(Spin { spin: spin.clone(), form, reporter }), Position::Suffix(spin.upcast()))
}

impl Control for Spin {
    fn show(&self, value: &Value) {
        self.reporter.muted(|| self.spin.set_value(f64::from((self.form.read)(value))));
    }

    fn operate(&self) {
        self.spin.grab_focus();
    }
}
