//! One call to a message bus, or connection to the network: what was done about it, what it was, and the way to allow it.
//!
//! ```text
//! ListBoxRow
//! ├── “Refused”, how often, when
//! ├── service, method, object; the rule that decided
//! └── “Allow from Now On” or “Allow until It Ends”, or why there is no such button
//! ```

use crate::accessible::named;
use crate::i18n::{say, sentence_case, tr};
use crate::model::running::clock;
use crate::model::{Call, Remedy, What};
use crate::verbatim;
use arkose_profile::i18n::N_;
use arkose_session::questions::Lasting;
use gtk::prelude::*;
use std::time::Duration;

/// A row, and what it shows.
#[derive(Debug)]
pub(super) struct CallRow {
    pub(super) call: Call,
    pub(super) row: gtk::ListBoxRow,
    when: gtk::Label,
    count: u64,
}

/// What hears that a call is to be allowed, whether that is to be kept in the profile, and which button was
/// pressed for it.
pub(super) type Allow = std::rc::Rc<dyn Fn(Lasting, bool, &gtk::Button)>;

/// What the button says; a message id.
pub(super) fn says(kept: bool) -> &'static str {
    if kept { N_("Allow from Now On") } else { N_("Allow until It Ends") }
}

impl CallRow {
    /// A row of a call that was made so long after the app's start.
    pub(super) fn new(call: Call, after: Duration, allow: &Allow) -> Self {
        let title = tr(call.what.title());
        let what = gtk::Label::builder().label(&title).xalign(0.0).hexpand(true).wrap(true).build();
        what.set_css_classes(&["heading"]);
        if matches!(call.what, What::Refused | What::Answered(false)) {
            what.add_css_class("warning");
        }
        let when = gtk::Label::builder().css_classes(["caption", "numeric", "explanation"]).build();
        let head = gtk::Box::new(gtk::Orientation::Horizontal, 12);
        head.append(&what);
        head.append(&when);
        let column = gtk::Box::new(gtk::Orientation::Vertical, 4);
        column.append(&head);
        for text in [&call.destination, &call.method, &call.path] {
            if !text.is_empty() {
                column.append(&line(text, &["monospace", "caption"]));
            }
        }
        column.append(&line(&decided(&call), &["caption", "explanation"]));
        match &call.remedy {
            Some(Remedy::Rule(rule)) => column.append(&button(rule, true, &call, allow)),
            Some(Remedy::UntilEnd(rule)) => column.append(&button(rule, false, &call, allow)),
            Some(Remedy::None(why)) => column.append(&line(&tr(why), &["caption", "explanation"])),
            None => {}
        }
        let row: gtk::ListBoxRow = named(&name(&call));
        row.add_css_class("call");
        row.set_activatable(false);
        row.set_child(Some(&column));
        let mut made = Self { call, row, when, count: 0 };
        made.again(after);
        made
    }

    /// It was made once more.
    pub(super) fn again(&mut self, after: Duration) {
        self.count += 1;
        let time = clock(after);
        let text = if self.count > 1 { format!("{} × · {time}", self.count) } else { time };
        self.when.set_label(&text);
    }
}

/// What a screen reader calls it.
fn name(call: &Call) -> String {
    let words = [&tr(call.what.title()), &call.destination, &call.method];
    let words: Vec<&str> =
        words.into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// What decided, or the proxy's own words.
fn decided(call: &Call) -> String {
    match (&call.rule, &call.reason) {
        (Some(rule), _) => say(N_("Decided by the rule “{rule}”"), &[("rule", rule)]),
        (None, _) if call.what == What::Refused => tr(N_("No rule allows it.")),
        (None, Some(reason)) => sentence_case(reason),
        (None, None) => String::new(),
    }
}

fn line(text: &str, classes: &[&str]) -> gtk::Label {
    let label = gtk::Label::builder().label(text).xalign(0.0).css_classes(classes).build();
    label.set_visible(!text.is_empty());
    verbatim::wrap(&label, gtk::pango::WrapMode::WordChar);
    label
}

fn button(rule: &Lasting, kept: bool, call: &Call, allow: &Allow) -> gtk::Button {
    let says = tr(says(kept));
    let button: gtk::Button =
        crate::accessible::described(&says, &format!("{} {}", call.destination, call.method));
    button.set_label(&says);
    button.set_halign(gtk::Align::Start);
    button.set_margin_top(4);
    let list = rule.option().map_or("", |option| option.key);
    button.set_tooltip_text(Some(&format!("{list} = {}", rule.text())));
    let (allow, rule) = (allow.clone(), rule.clone());
    button.connect_clicked(move |button| allow(rule.clone(), kept, button));
    button
}
