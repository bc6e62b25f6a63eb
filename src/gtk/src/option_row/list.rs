//! Lists of paths, of environment variables, of system calls and of rules for the message buses and
//! the network.

use super::add_button::{AddButton, Ways};
use super::control::{Control, Position, Reporter};
use super::entry_list::EntryList;
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::bus::Access;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

struct List {
    add: AddButton,
    entries: EntryList,
    value: Rc<RefCell<Vec<String>>>,
    reporter: Reporter,
}

/// Paths, typed or chosen.
pub(super) fn paths(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let ways = Ways {
        placeholder: "~/Documents",
        folder: Some(N_("Choose _Folder…")),
        file: Some(N_("Choose F_ile…")),
        start: None,
    };
    new(option, reporter, &ways, |_| "folder-symbolic")
}

/// Environment variables.
pub(super) fn environment(
    option: &'static Opt,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let ways = Ways { placeholder: "NAME=VALUE", folder: None, file: None, start: None };
    new(option, reporter, &ways, |_| "preferences-other-symbolic")
}

/// System calls, typed.
pub(super) fn calls(option: &'static Opt, reporter: Reporter) -> (Box<dyn Control>, Position) {
    let ways = Ways { placeholder: "ptrace", folder: None, file: None, start: None };
    new(option, reporter, &ways, |_| "action-unavailable-symbolic")
}

/// Rules for a message bus, typed.
pub(super) fn bus_rules(
    option: &'static Opt,
    access: Access,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let placeholder = match access {
        Access::Call | Access::Broadcast => "org.example.App=org.example.Interface.*",
        Access::See | Access::Talk | Access::Own | Access::Ask | Access::Deny => "org.example.App",
    };
    let ways = Ways { placeholder, folder: None, file: None, start: None };
    new(option, reporter, &ways, |_| "network-transmit-receive-symbolic")
}

/// Rules for a filtered network, typed.
pub(super) fn network_rules(
    option: &'static Opt,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let ways = Ways { placeholder: "*.example.org:443", folder: None, file: None, start: None };
    new(option, reporter, &ways, |_| "network-wired-symbolic")
}

/// Addresses at a bridge, typed.
pub(super) fn addresses(
    option: &'static Opt,
    placeholder: &'static str,
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let ways = Ways { placeholder, folder: None, file: None, start: None };
    new(option, reporter, &ways, |_| "network-wired-symbolic")
}

fn new(
    option: &'static Opt,
    reporter: Reporter,
    ways: &Ways,
    icon: fn(&str) -> &'static str,
) -> (Box<dyn Control>, Position) {
    let value: Rc<RefCell<Vec<String>>> = Rc::default();
    let add = AddButton::new(option, ways, adding(&value, &reporter));
    let entries = EntryList::new(&tr(option.title), icon);
    let place = Position::Both(add.clone().upcast(), entries.list.clone().upcast());
    (Box::new(List { add, entries, value, reporter }), place)
}

/// Adds an entry to the list `value`, unless it is there.
pub(super) fn adding(
    value: &Rc<RefCell<Vec<String>>>,
    reporter: &Reporter,
) -> impl Fn(String) + use<> {
    let (value, reporter) = (value.clone(), reporter.clone());
    move |entry| {
        let mut list = value.borrow().clone();
        if !list.contains(&entry) {
            list.push(entry);
            reporter.set(Value::List(list));
        }
    }
}

impl Control for List {
    fn show(&self, value: &Value) {
        self.value.replace(value.as_list().to_vec());
        self.entries.show(value.as_list(), value.as_list(), &self.reporter);
    }

    fn operate(&self) {
        self.add.open();
    }
}
