//! Devices: a switch for each class, and a list of single ones.

use super::add_button::{AddButton, Ways};
use super::control::{Control, Position, Reporter};
use super::entry_list::EntryList;
use super::list::adding;
use super::named_switches::{Named, NamedSwitches};
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::options::{DEVICE_CLASSES, Opt, device_class};
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

struct Devices {
    classes: NamedSwitches,
    add: AddButton,
    entries: EntryList,
    value: Rc<RefCell<Vec<String>>>,
    reporter: Reporter,
}

pub(super) fn new(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let value: Rc<RefCell<Vec<String>>> = Rc::default();
    let title = tr(option.title);
    let classes = DEVICE_CLASSES.iter().map(|class| Named {
        name: class.name,
        title: class.title,
        summary: class.summary,
        risk: class.risk,
    });
    let classes = NamedSwitches::new(&title, classes, &value, &reporter);
    let ways = Ways {
        placeholder: "/dev/ttyUSB0",
        folder: None,
        file: Some(N_("Choose _Device…")),
        start: Some("/dev"),
    };
    let add = AddButton::new(option, &ways, adding(&value, &reporter));
    let entries = EntryList::new(&title, |_| "drive-harddisk-symbolic");
    let below = gtk::Box::new(gtk::Orientation::Vertical, 0);
    below.append(&classes.list);
    below.append(&entries.list);
    let place = Position::Both(add.clone().upcast(), below.upcast());
    (Box::new(Devices { classes, add, entries, value, reporter }), place)
}

impl Control for Devices {
    fn show(&self, value: &Value) {
        let list = value.as_list();
        self.value.replace(list.to_vec());
        self.classes.show(list);
        let single = list.iter().filter(|device| device_class(device).is_none());
        let single: Vec<_> = single.cloned().collect();
        self.entries.show(&single, list, &self.reporter);
    }

    fn operate(&self) {
        self.add.open();
    }
}
