//! The entries of a list option, one line each with a remove button.

use super::control::Reporter;
use crate::accessible::{decorative, named};
use crate::i18n::{say, tr};
use crate::verbatim;
use arkose_profile::Value;
use arkose_profile::i18n::N_;
use arkose_profile::text::visible;
use gtk::prelude::*;
use gtk::{gio, glib};

/// A list inside an option row.
#[derive(Clone)]
pub(super) struct EntryList {
    pub(super) list: gtk::ListBox,
    icon: fn(&str) -> &'static str,
}

impl EntryList {
    /// An empty list; `icon` chooses the icon of an entry.
    pub(super) fn new(title: &str, icon: fn(&str) -> &'static str) -> Self {
        let list: gtk::ListBox = named(title);
        list.set_selection_mode(gtk::SelectionMode::None);
        list.add_css_class("entries");
        Self { list, icon }
    }

    /// Shows `entries` of the whole value `all`; removing one reports `all` without it.
    pub(super) fn show(&self, entries: &[String], all: &[String], reporter: &Reporter) {
        // The focus stays near where it was when the entry that had it goes.
        let focused = self.list.focus_child().and_downcast::<gtk::ListBoxRow>();
        let focused = focused.map(|row| row.index());
        while let Some(row) = self.list.first_child() {
            self.list.remove(&row);
        }
        for entry in entries {
            self.list.append(&self.line(entry, all, reporter));
        }
        self.list.set_visible(!entries.is_empty());
        let count = i32::try_from(entries.len()).unwrap_or(i32::MAX);
        if let Some(row) = focused.and_then(|at| self.list.row_at_index(at.min(count - 1))) {
            row.grab_focus();
        }
    }

    fn line(&self, entry: &str, all: &[String], reporter: &Reporter) -> gtk::ListBoxRow {
        let shown = visible(entry.as_bytes());
        let label =
            gtk::Label::builder().label(&shown).xalign(0.0).hexpand(true).selectable(false).build();
        verbatim::wrap(&label, gtk::pango::WrapMode::WordChar);
        let name = say(N_("Remove {entry}"), &[("entry", entry)]);
        let remove: gtk::Button = named(&name);
        remove.set_icon_name("list-remove-symbolic");
        remove.set_valign(gtk::Align::Center);
        remove.set_css_classes(&["flat", "circular"]);
        remove.set_tooltip_text(Some(&name));
        remove.connect_clicked(glib::clone!(
            #[strong]
            reporter,
            #[to_owned]
            entry,
            #[to_owned]
            all,
            move |_| {
                let rest = all.iter().filter(|other| **other != entry).cloned().collect();
                reporter.removed(Value::List(rest), entry.clone());
            }
        ));
        let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
        let icon = gtk::Image::from_icon_name((self.icon)(entry));
        decorative(&icon);
        line.append(&icon);
        let words = gtk::Box::new(gtk::Orientation::Vertical, 0);
        words.set_valign(gtk::Align::Center);
        words.append(&label);
        tell_if_missing(entry, &words);
        line.append(&words);
        line.append(&remove);
        let row: gtk::ListBoxRow = named(&shown);
        row.set_child(Some(&line));
        row.set_activatable(false);
        row
    }
}

/// Says below a path that there is nothing there: a launch would fail on it.
fn tell_if_missing(entry: &str, words: &gtk::Box) {
    let path = match entry.strip_prefix('~') {
        Some("") => glib::home_dir(),
        Some(below) if below.starts_with('/') => {
            glib::home_dir().join(below.trim_start_matches('/'))
        }
        _ if entry.starts_with('/') && !entry.contains("$USER") => entry.into(),
        _ => return,
    };
    let file = gio::File::for_path(path);
    let looking = file.query_info_future(
        gio::FILE_ATTRIBUTE_STANDARD_TYPE,
        gio::FileQueryInfoFlags::NONE,
        glib::Priority::LOW,
    );
    let words = words.downgrade();
    glib::spawn_future_local(async move {
        let missing = looking.await.is_err_and(|error| error.matches(gio::IOErrorEnum::NotFound));
        if let Some(words) = words.upgrade().filter(|_| missing) {
            let says = gtk::Label::builder()
                .label(tr(N_("There is nothing at this path.")))
                .xalign(0.0)
                .wrap(true)
                .css_classes(["caption", "warning"])
                .build();
            words.append(&says);
        }
    });
}
