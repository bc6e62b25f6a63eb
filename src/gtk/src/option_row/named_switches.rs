//! A switch for each thing that an entry of a list can name, such as a class of devices.
//!
//! ```text
//! ListBox
//! └── title, sentence, how far it opens the sandbox; switch
//! ```

use super::control::Reporter;
use super::words::titled;
use crate::accessible::{decorative, described, named};
use crate::i18n::{sentence_case, tr};
use crate::summary;
use arkose_profile::Value;
use arkose_profile::options::Risk;
use gtk::glib;
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Something with a name of its own.
pub(super) struct Named {
    /// As written in a profile.
    pub(super) name: &'static str,
    /// A noun, a message id.
    pub(super) title: &'static str,
    /// One plain sentence, a message id.
    pub(super) summary: &'static str,
    /// How far it opens the sandbox.
    pub(super) risk: Risk,
}

/// The switches of a list option.
pub(super) struct NamedSwitches {
    pub(super) list: gtk::ListBox,
    switches: Vec<(&'static str, gtk::Switch)>,
    reporter: Reporter,
}

impl NamedSwitches {
    /// Switches for `things`; each puts its name into the list `value`, or takes it out.
    pub(super) fn new(
        title: &str,
        things: impl Iterator<Item = Named>,
        value: &Rc<RefCell<Vec<String>>>,
        reporter: &Reporter,
    ) -> Self {
        let list: gtk::ListBox = named(title);
        list.set_selection_mode(gtk::SelectionMode::None);
        list.add_css_class("entries");
        let mut switches = Vec::new();
        for thing in things {
            let says = format!("{} {}", tr(thing.summary), sentence_case(&tr(thing.risk.title())));
            let switch: gtk::Switch = described(&tr(thing.title), &says);
            switch.set_valign(gtk::Align::Center);
            let name = thing.name;
            switch.connect_active_notify(glib::clone!(
                #[strong]
                value,
                #[strong]
                reporter,
                move |switch| {
                    let mut list = value.borrow().clone();
                    list.retain(|other| other != name);
                    if switch.is_active() {
                        list.push(name.to_owned());
                    }
                    reporter.set(Value::List(list));
                }
            ));
            list.append(&line(&thing, &switch));
            switches.push((name, switch));
        }
        list.connect_row_activated({
            let switches: Vec<_> = switches.iter().map(|(_, switch)| switch.clone()).collect();
            move |_, row| {
                let switch = usize::try_from(row.index()).ok().and_then(|at| switches.get(at));
                if let Some(switch) = switch {
                    switch.activate();
                }
            }
        });
        Self { list, switches, reporter: reporter.clone() }
    }

    /// Turns on what is in the list, and reports nothing.
    pub(super) fn show(&self, entries: &[String]) {
        self.reporter.muted(|| {
            for (name, switch) in &self.switches {
                switch.set_active(entries.iter().any(|entry| entry == name));
            }
        });
    }

    /// Puts the focus on the first of them.
    pub(super) fn enter(&self) {
        self.list.child_focus(gtk::DirectionType::TabForward);
    }
}

/// How far it opens the sandbox: a mark, and the word for it.
fn level(risk: Risk) -> gtk::Box {
    let mark = gtk::Image::from_icon_name(summary::icon(risk));
    decorative(&mark);
    let word = sentence_case(&tr(risk.title()));
    let word = gtk::Label::builder().label(word).css_classes(["caption"]).build();
    let level = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    level.add_css_class(summary::class(risk));
    level.append(&mark);
    level.append(&word);
    level
}

fn line(thing: &Named, switch: &gtk::Switch) -> gtk::ListBoxRow {
    let words = titled(&tr(thing.title), &gtk::Label::new(Some(&tr(thing.summary))));
    words.append(&level(thing.risk));
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    line.append(&words);
    line.append(switch);
    let row: gtk::ListBoxRow = named(&tr(thing.title));
    row.set_child(Some(&line));
    row.set_tooltip_text(Some(thing.name));
    row
}
