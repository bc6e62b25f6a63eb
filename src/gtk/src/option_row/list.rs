//! Lists of paths, of environment variables and of system calls.

use super::add_button::{AddButton, Ways};
use super::control::{Control, Position, Reporter};
use super::entry_list::EntryList;
use crate::i18n::tr;
use arkose_profile::Value;
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

fn new(
    option: &'static Opt,
    reporter: Reporter,
    ways: &Ways,
    icon: fn(&str) -> &'static str,
) -> (Box<dyn Control>, Position) {
    let value: Rc<RefCell<Vec<String>>> = Rc::default();
    let added = {
        let (value, reporter) = (value.clone(), reporter.clone());
        move |entry: String| {
            let mut list = value.borrow().clone();
            if !list.contains(&entry) {
                list.push(entry);
                reporter.set(Value::List(list));
            }
        }
    };
    let add = AddButton::new(&tr(option.title), ways, added);
    let entries = EntryList::new(&tr(option.title), icon);
    let place = Position::Both(add.clone().upcast(), entries.list.clone().upcast());
    (Box::new(List { add, entries, value, reporter }), place)
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
