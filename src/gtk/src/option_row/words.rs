//! A title, and below it in small letters what it means.

use gtk::prelude::*;

/// Both, as wide as there is room.
pub(super) fn titled(title: &str, sentence: &gtk::Label) -> gtk::Box {
    let title = gtk::Label::builder().label(title).xalign(0.0).wrap(true).build();
    sentence.set_xalign(0.0);
    sentence.set_wrap(true);
    sentence.set_css_classes(&["caption", "explanation"]);
    let words = gtk::Box::new(gtk::Orientation::Vertical, 2);
    words.set_hexpand(true);
    words.append(&title);
    words.append(sentence);
    words
}
