//! The calls of a sandbox to the message buses: following them, and allowing one from now on.
//!
//! A call that is made again is counted in its row. So a program that asks all day takes a few rows, and
//! nothing moves below the pointer.

use super::SandboxPage;
use super::call_row::{Allow, CallRow};
use crate::i18n::tr;
use crate::library;
use crate::model::{Call, Lines, What, running};
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_session::questions::Lasting;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

/// How many different calls are shown; an app could make up any number.
const MOST: usize = 300;
/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

impl SandboxPage {
    pub(super) fn set_up_calls(&self) {
        let imp = self.imp();
        imp.refused_only.connect_toggled(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_| page.read_calls()
        ));
        self.show_no_calls();
    }

    /// Reads the log of what is shown from its beginning. What is allowed is told from when somebody
    /// wants to see it: it costs the app time.
    pub(super) fn read_calls(&self) {
        let imp = self.imp();
        if let Some(reading) = imp.reading.take() {
            reading.abort();
        }
        for row in imp.rows.take() {
            imp.calls.remove(&row.row);
        }
        self.show_no_calls();
        let Some(seen) = imp.seen.borrow().clone() else { return };
        let all = !imp.refused_only.is_active();
        let page = self.downgrade();
        let reading = glib::spawn_future_local(async move {
            let asked = gio::spawn_blocking(move || running::log(&seen.id, all)).await;
            // A sandbox that has ended tells nothing; the page says that it has.
            if let Ok(Ok(socket)) = asked {
                let heard = move |line: &[u8]| {
                    if let (Some(page), Some((call, time))) =
                        (page.upgrade(), Call::parse(line, seen.profile.is_some()))
                    {
                        page.show_call(
                            call,
                            Duration::from_millis(time.saturating_sub(seen.since)),
                        );
                    }
                };
                let _ = follow(socket, heard).await;
            }
        });
        imp.reading.replace(Some(reading));
    }

    fn show_no_calls(&self) {
        let imp = self.imp();
        let words = match imp.refused_only.is_active() {
            true => N_("Nothing has been refused."),
            false => N_("No call since this page was opened, and none refused before."),
        };
        imp.no_calls.set_label(&tr(words));
    }

    fn show_call(&self, call: Call, after: Duration) {
        let imp = self.imp();
        let refused = matches!(call.what, What::Refused | What::Answered(false) | What::NoBus);
        if imp.refused_only.is_active() && !refused {
            return;
        }
        let mut rows = imp.rows.borrow_mut();
        if let Some(row) = rows.iter_mut().find(|row| row.call == call) {
            return row.again(after);
        }
        if rows.len() >= MOST {
            let oldest = rows.remove(0);
            imp.calls.remove(&oldest.row);
        }
        let page = self.downgrade();
        let allow: Allow = Rc::new(move |rule, button| {
            if let Some(page) = page.upgrade() {
                page.allow(rule, button);
            }
        });
        let row = CallRow::new(call, after, &allow);
        imp.calls.append(&row.row);
        rows.push(row);
    }

    /// Writes the rule that would have allowed it into the user's part of the profile.
    fn allow(&self, rule: Lasting, button: &gtk::Button) {
        let profile = self.imp().seen.borrow().as_ref().and_then(|seen| seen.profile.clone());
        let (Some(window), Some(profile)) = (self.root().and_downcast::<Window>(), profile) else {
            return;
        };
        button.set_sensitive(false);
        let button = button.clone();
        glib::spawn_future_local(async move {
            match library::allow(profile.clone(), rule).await {
                Err(trouble) => {
                    button.set_sensitive(true);
                    window.tell(&trouble);
                }
                Ok(backup) => {
                    button.set_label(&tr(N_("Allowed from the Next Launch On")));
                    let said = tr(N_("Allowed from the next launch on"));
                    window.wrote(profile.into(), &said, backup, move || {
                        button.set_label(&tr(N_("Allow from Now On")));
                        button.set_sensitive(true);
                    });
                }
            }
        });
    }
}

/// Gives each line of a socket to `heard` until its end.
async fn follow(socket: OwnedFd, heard: impl Fn(&[u8])) -> Result<(), glib::Error> {
    let stream = gio::Socket::from_fd(socket)?.connection_factory_create_connection();
    let (input, mut lines) = (stream.input_stream(), Lines::default());
    loop {
        let bytes = input.read_bytes_future(CHUNK, glib::Priority::DEFAULT).await?;
        let whole = lines.feed(&bytes).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        whole.iter().for_each(|line| heard(line));
    }
}
