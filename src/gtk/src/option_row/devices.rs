//! Devices: a switch for each class, and a list of single ones.

use super::add_button::{AddButton, Ways};
use super::control::{Control, Position, Reporter};
use super::entry_list::EntryList;
use crate::accessible::{described, named};
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::options::{DEVICE_CLASSES, DeviceClass, Opt, device_class};
use gtk::glib;
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

struct Devices {
    switches: Vec<(&'static DeviceClass, gtk::Switch)>,
    add: AddButton,
    entries: EntryList,
    value: Rc<RefCell<Vec<String>>>,
    reporter: Reporter,
}

pub(super) fn new(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let value: Rc<RefCell<Vec<String>>> = Rc::default();
    let classes: gtk::ListBox = named(&tr(option.title));
    classes.set_selection_mode(gtk::SelectionMode::None);
    classes.add_css_class("entries");
    let mut switches = Vec::new();
    for class in DEVICE_CLASSES {
        let switch: gtk::Switch = described(&tr(class.title), &tr(class.summary));
        switch.set_valign(gtk::Align::Center);
        switch.connect_active_notify(glib::clone!(
            #[strong]
            value,
            #[strong]
            reporter,
            move |switch| {
                let mut list = value.borrow().clone();
                list.retain(|device| device != class.name);
                if switch.is_active() {
                    list.push(class.name.to_owned());
                }
                reporter.set(Value::List(list));
            }
        ));
        classes.append(&line(class, &switch));
        switches.push((class, switch));
    }
    classes.connect_row_activated({
        let switches: Vec<_> = switches.iter().map(|(_, switch)| switch.clone()).collect();
        move |_, row| {
            let switch = usize::try_from(row.index()).ok().and_then(|at| switches.get(at));
            if let Some(switch) = switch {
                switch.activate();
            }
        }
    });
    let added = {
        let (value, reporter) = (value.clone(), reporter.clone());
        move |device: String| {
            let mut list = value.borrow().clone();
            if !list.contains(&device) {
                list.push(device);
                reporter.set(Value::List(list));
            }
        }
    };
    let ways = Ways {
        placeholder: "/dev/ttyUSB0",
        folder: None,
        file: Some(N_("Choose _Device…")),
        start: Some("/dev"),
    };
    let add = AddButton::new(&tr(option.title), &ways, added);
    let entries = EntryList::new(&tr(option.title), |_| "drive-harddisk-symbolic");
    let below = gtk::Box::new(gtk::Orientation::Vertical, 0);
    below.append(&classes);
    below.append(&entries.list);
    let place = Position::Both(add.clone().upcast(), below.upcast());
    (Box::new(Devices { switches, add, entries, value, reporter }), place)
}

fn line(class: &'static DeviceClass, switch: &gtk::Switch) -> gtk::ListBoxRow {
    let title = gtk::Label::builder().label(tr(class.title)).xalign(0.0).wrap(true).build();
    let summary = gtk::Label::builder()
        .label(tr(class.summary))
        .xalign(0.0)
        .wrap(true)
        .css_classes(["caption", "explanation"])
        .build();
    let words = gtk::Box::new(gtk::Orientation::Vertical, 2);
    words.set_hexpand(true);
    words.append(&title);
    words.append(&summary);
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    line.append(&words);
    line.append(switch);
    let row: gtk::ListBoxRow = named(&tr(class.title));
    row.set_child(Some(&line));
    row.set_tooltip_text(Some(class.name));
    row
}

impl Control for Devices {
    fn show(&self, value: &Value) {
        let list = value.as_list();
        self.value.replace(list.to_vec());
        self.reporter.muted(|| {
            for (class, switch) in &self.switches {
                switch.set_active(list.iter().any(|device| device == class.name));
            }
        });
        let single = list.iter().filter(|device| device_class(device).is_none());
        let single: Vec<_> = single.cloned().collect();
        self.entries.show(&single, list, &self.reporter);
    }

    fn operate(&self) {
        self.add.open();
    }
}
