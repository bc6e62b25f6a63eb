//! One line of text: a name, or a program and its arguments quoted as in a shell.

use super::control::{Control, Position, Reporter};
use crate::accessible::described;
use crate::i18n::tr;
use crate::model::command;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::net::Bridge;
use arkose_profile::options::Opt;
use gtk::prelude::*;

/// How a value is written in the entry, and read from it.
struct Form {
    write: fn(&Value) -> String,
    read: fn(&str) -> Option<Value>,
    /// What is said of an empty entry.
    empty: &'static str,
}

struct Line {
    entry: gtk::Entry,
    form: Form,
    reporter: Reporter,
}

/// Plain text.
pub(super) fn text(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let read = |text: &str| Some(Value::Text(text.to_owned()));
    new(option, Form { write: |value| value.as_text().to_owned(), read, empty: "" }, reporter)
}

/// The name of a network bridge; what cannot be one is marked while it is typed.
pub(super) fn bridge(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let read = |text: &str| {
        let named = text.is_empty() || Bridge::parse(text).is_ok();
        named.then(|| Value::Text(text.to_owned()))
    };
    new(option, Form { write: |value| value.as_text().to_owned(), read, empty: "" }, reporter)
}

/// A program and its arguments.
pub(super) fn command(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let form = Form {
        write: |value| command::quote(value.as_list()),
        read: |text| command::parse(text).map(Value::List),
        empty: N_("There is nothing to launch until a program is named here."),
    };
    let (control, position) = new(option, form, reporter);
    if let Position::Below(entry) = &position {
        entry.add_css_class("monospace");
    }
    (control, position)
}

fn new(option: &'static Opt, form: Form, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let entry: gtk::Entry = described(&tr(option.title), &tr(option.summary));
    entry.set_hexpand(true);
    entry.set_width_chars(4);
    let report = reporter.clone();
    let read = form.read;
    entry.connect_changed(move |entry| match read(&entry.text()) {
        Some(value) => {
            entry.remove_css_class("error");
            report.set(value);
        }
        None => entry.add_css_class("error"),
    });
    (Box::new(Line { entry: entry.clone(), form, reporter }), Position::Below(entry.upcast()))
}

impl Control for Line {
    fn show(&self, value: &Value) {
        // What is being typed stays as typed while it means this value.
        let same = (self.form.read)(&self.entry.text()).as_ref() == Some(value);
        if !same {
            self.reporter.muted(|| self.entry.set_text(&(self.form.write)(value)));
        }
    }

    fn operate(&self) {
        self.entry.grab_focus();
    }

    fn explanation(&self, value: &Value) -> Option<String> {
        let empty = (self.form.write)(value).is_empty();
        Some(if empty { tr(self.form.empty) } else { String::new() })
    }
}
