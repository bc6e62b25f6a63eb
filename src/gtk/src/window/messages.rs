//! What the window says: toasts, dialogs, and the keys it knows.

use super::Window;
use crate::i18n::tr;
use crate::library::{self, Backup, Trouble};
use adw::prelude::*;
use arkose_profile::i18n::N_;
use gtk::glib;
use gtk::glib::subclass::prelude::*;
use std::ffi::OsString;
use std::rc::Rc;

impl Window {
    /// Says something that needs no answer.
    pub(crate) fn toast(&self, text: &str) {
        self.show_toast(toast(text));
    }

    /// Says what was done, and takes it back when asked to. The toast is for dismissing it when
    /// something else was done since.
    pub(crate) fn toast_with_undo(&self, text: &str, undo: impl Fn() + 'static) -> adw::Toast {
        let toast = toast(text);
        toast.set_button_label(Some(&tr(N_("Undo"))));
        toast.set_timeout(8);
        toast.connect_button_clicked(move |_| undo());
        self.show_toast(toast.clone());
        toast
    }

    /// Says what was written into a profile. Taking it back also does `undone`.
    pub(crate) fn wrote(
        &self,
        profile: OsString,
        said: &str,
        backup: Backup,
        undone: impl Fn() + 'static,
    ) {
        let (undoing, undone) = (self.downgrade(), Rc::new(undone));
        self.toast_with_undo(said, move || {
            let Some(window) = undoing.upgrade() else { return };
            let (backup, profile, undone) = (backup.clone(), profile.clone(), undone.clone());
            glib::spawn_future_local(async move {
                match library::restore(backup).await {
                    Err(trouble) => window.tell(&trouble),
                    Ok(()) => {
                        undone();
                        window.profile_written(profile).await;
                    }
                }
            });
        });
    }

    /// One at a time: an “Undo” that is still to be seen must be about what was done last.
    fn show_toast(&self, toast: adw::Toast) {
        if let Some(before) = self.imp().toast.replace(Some(toast.clone())) {
            before.dismiss();
        }
        self.imp().toasts.add_toast(toast);
    }

    /// Says what could not be done, and what the system said about it.
    pub(crate) fn tell(&self, trouble: &Trouble) {
        let dialog =
            adw::MessageDialog::new(Some(self), Some(&trouble.sentence), Some(&trouble.cause));
        dialog.add_response("close", &tr(N_("_Close")));
        dialog.present();
    }

    /// Shows the keys.
    pub(super) fn show_shortcuts(&self) {
        if self.help_overlay().is_none() {
            let builder = gtk::Builder::from_string(include_str!("../shortcuts.ui"));
            self.set_help_overlay(builder.object::<gtk::ShortcutsWindow>("shortcuts").as_ref());
        }
        if let Some(shortcuts) = self.help_overlay() {
            shortcuts.present();
        }
    }
}

/// A toast reads its title as markup; ours is text.
fn toast(text: &str) -> adw::Toast {
    adw::Toast::new(&glib::markup_escape_text(text))
}
