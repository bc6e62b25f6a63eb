//! A number of bytes, shown with its unit: `500 MiB`, `2 GiB`.

use super::control::{Control, Position, Reporter};
use crate::accessible::described;
use crate::i18n::tr;
use crate::model::size;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use gtk::prelude::*;

/// What stands for 0, where no limit of our own is set: the kernel has one for changes, and for
/// memory none.
const AUTOMATIC: &str = N_("Automatic");
const NO_LIMIT: &str = N_("No limit");

struct Size {
    spin: gtk::SpinButton,
    reporter: Reporter,
}

pub(super) fn new(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let spin: gtk::SpinButton = described(&tr(option.title), &tr(option.summary));
    spin.set_range(0.0, f64::from(size::LARGEST));
    spin.set_increments(64.0, 1024.0);
    spin.set_valign(gtk::Align::Center);
    let zero = tr(if option.key == "limits.cow-size" { AUTOMATIC } else { NO_LIMIT });
    spin.set_width_chars(i32::try_from(zero.chars().count()).unwrap_or(9).max(9));
    let shown = zero.clone();
    spin.connect_output(move |spin| {
        let text = match size::from_spin(spin.value()) {
            0 => shown.clone(),
            mebibytes => size::shown(mebibytes),
        };
        if spin.text() != text {
            spin.set_text(&text);
        }
        gtk::glib::Propagation::Stop
    });
    spin.connect_input(move |spin| {
        let text = spin.text();
        if text == zero {
            return Some(Ok(0.0));
        }
        Some(size::parse(&text).map(f64::from).ok_or(()))
    });
    let report = reporter.clone();
    spin.connect_value_changed(move |spin| {
        report.set(Value::Text(size::written(size::from_spin(spin.value()))));
    });
    (Box::new(Size { spin: spin.clone(), reporter }), Position::Suffix(spin.upcast()))
}

impl Control for Size {
    fn show(&self, value: &Value) {
        let mebibytes = size::parse(value.as_text()).unwrap_or(0);
        self.reporter.muted(|| self.spin.set_value(f64::from(mebibytes)));
    }

    fn operate(&self) {
        self.spin.grab_focus();
    }
}
