//! The dialog of a launch that failed: the engine's own sentence, its cause, and what mends it.
//!
//! ```text
//! MessageDialog
//! ├── “… Was Not Launched”, the sentence
//! ├── the command that mends it, “Copy”
//! └── details
//! ```

use crate::accessible::button;
use crate::i18n::{say, tr};
use crate::model::Failure;
use adw::prelude::*;
use arkose_profile::i18n::N_;

/// Shows why `name` was not launched.
pub(crate) fn show(parent: Option<&gtk::Window>, name: &str, failure: &Failure) {
    let heading = say(N_("{app} Was Not Launched"), &[("app", name)]);
    let dialog = adw::MessageDialog::new(parent, Some(&heading), Some(&failure.message));
    dialog.set_extra_child(Some(&more(failure)));
    dialog.add_response("close", &tr(N_("_Close")));
    dialog.set_default_response(Some("close"));
    dialog.present();
    // Enter closes it, and Tab leads to the details and the button that copies.
    GtkWindowExt::set_focus(&dialog, None::<&gtk::Widget>);
}

/// The command that mends it, and the details.
pub(crate) fn more(failure: &Failure) -> gtk::Box {
    let column = gtk::Box::new(gtk::Orientation::Vertical, 12);
    if let Some(remedy) = &failure.remedy {
        column.append(&mend(remedy));
    }
    if let Some(cause) = &failure.cause {
        let cause = gtk::Label::builder()
            .label(cause)
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::WordChar)
            .selectable(true)
            .build();
        let details = gtk::Expander::with_mnemonic(&tr(N_("_Details")));
        details.set_child(Some(&cause));
        column.append(&details);
    }
    column
}

fn mend(command: &str) -> gtk::Box {
    let says = tr(N_("What mends it:"));
    let title = gtk::Label::builder().label(&says).xalign(0.0).wrap(true).build();
    let text = gtk::Label::builder()
        .label(command)
        .xalign(0.0)
        .hexpand(true)
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::WordChar)
        .selectable(true)
        .css_classes(["monospace"])
        .build();
    let copy = button(&tr(N_("_Copy")));
    copy.set_valign(gtk::Align::Center);
    let copied = command.to_owned();
    copy.connect_clicked(move |button| {
        button.clipboard().set_text(&copied);
        if let Some(label) = button.child().and_downcast::<gtk::Label>() {
            label.set_label(&tr(N_("Copied")));
        }
    });
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    line.add_css_class("mend");
    line.append(&text);
    line.append(&copy);
    let column = gtk::Box::new(gtk::Orientation::Vertical, 6);
    column.append(&title);
    column.append(&line);
    column
}
