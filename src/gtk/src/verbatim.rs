//! Text that is shown as somebody wrote it: a path, a rule, what an app has sent.

use crate::accessible::named;
use gtk::pango;
use gtk::prelude::*;

/// Breaks a label's lines wherever they end, without a hyphen that nobody wrote.
pub(crate) fn wrap(label: &gtk::Label, mode: pango::WrapMode) {
    let attributes = pango::AttrList::new();
    attributes.insert(pango::AttrInt::new_insert_hyphens(false));
    label.set_attributes(Some(&attributes));
    label.set_wrap(true);
    label.set_wrap_mode(mode);
}

/// A row of a list with such a text and words about it: one of libadwaita's would put hyphens into it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) row: gtk::ListBoxRow,
    line: gtk::Box,
    words: gtk::Label,
}

impl Row {
    /// One that assistive technology calls by its text.
    pub(crate) fn new(text: &str) -> Self {
        let label = |text: &str| {
            let label = gtk::Label::builder().label(text).xalign(0.0).build();
            wrap(&label, pango::WrapMode::WordChar);
            label
        };
        let (title, words) = (label(text), label(""));
        words.set_css_classes(&["caption", "explanation"]);
        let column = gtk::Box::new(gtk::Orientation::Vertical, 2);
        column.set_hexpand(true);
        column.set_valign(gtk::Align::Center);
        column.append(&title);
        column.append(&words);
        let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
        line.append(&column);
        let row: gtk::ListBoxRow = named(text);
        row.add_css_class("verbatim");
        row.set_activatable(false);
        row.set_child(Some(&line));
        Self { row, line, words }
    }

    /// What stands before the text.
    pub(crate) fn add_prefix(&self, widget: &impl IsA<gtk::Widget>) {
        self.line.prepend(widget);
    }

    /// What stands behind it.
    pub(crate) fn add_suffix(&self, widget: &impl IsA<gtk::Widget>) {
        self.line.append(widget);
    }

    /// The words about it.
    pub(crate) fn explain(&self, words: &str) {
        self.words.set_label(words);
    }
}
