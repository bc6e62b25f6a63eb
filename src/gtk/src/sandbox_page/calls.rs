//! The calls of a sandbox to the message buses, and what it wanted of the network: following them, and allowing one from now on.
//!
//! A call that is made again is counted in its row. So a program that asks all day takes a few rows, and
//! nothing moves below the pointer.

use super::SandboxPage;
use super::call_row::{self, Allow, CallRow};
use crate::i18n::tr;
use crate::library::{self, Trouble};
use crate::model::traffic::NoAnswer;
use crate::model::{Call, Lines, What, rules, running};
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::net::Change;
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
        let allow: Allow = Rc::new(move |rule, kept, button| {
            if let Some(page) = page.upgrade() {
                page.allow(rule, kept, button);
            }
        });
        let row = CallRow::new(call, after, &allow);
        imp.calls.append(&row.row);
        rows.push(row);
    }

    /// Has the rule count that would have allowed it: at once, where it is one for the network, and at the next
    /// launches, where it is to be kept.
    fn allow(&self, rule: Lasting, kept: bool, button: &gtk::Button) {
        let Some(seen) = self.imp().seen.borrow().clone() else { return };
        let Some(window) = self.root().and_downcast::<Window>() else { return };
        button.set_sensitive(false);
        let button = button.clone();
        glib::spawn_future_local(async move {
            let undo = match allow_now(&seen.id, &rule).await {
                Ok(undo) => undo,
                // It may have ended by now; what is to be kept is kept.
                Err(_) if kept => None,
                Err(trouble) => {
                    button.set_sensitive(true);
                    return window.tell(&trouble);
                }
            };
            let Some(profile) = seen.profile.filter(|_| kept) else {
                return button.set_label(&tr(N_("Allowed until It Ends")));
            };
            match library::allow(profile.clone(), rule).await {
                Err(trouble) => {
                    button.set_sensitive(true);
                    window.tell(&trouble);
                }
                Ok(backup) => {
                    let (says, said) = match undo.is_some() {
                        true => (N_("Allowed from Now On"), N_("Allowed from now on")),
                        false => (
                            N_("Allowed from the Next Launch On"),
                            N_("Allowed from the next launch on"),
                        ),
                    };
                    button.set_label(&tr(says));
                    window.wrote(profile.into(), &tr(said), backup, move || {
                        button.set_label(&tr(call_row::says(true)));
                        button.set_sensitive(true);
                        forbid_again(&seen.id, undo.clone());
                    });
                }
            }
        });
    }
}

/// Has a rule for the network count for an app that runs, and answers what undoes that; nothing is done about
/// one for a bus.
async fn allow_now(id: &str, rule: &Lasting) -> Result<Option<Change>, Trouble> {
    let Lasting::Network(rule) = rule else { return Ok(None) };
    let (id, rule) = (id.to_owned(), rule.clone());
    let done = gio::spawn_blocking(move || rules::add(&id, &rule)).await;
    done.unwrap_or(Err(NoAnswer::Silent)).map(Some).map_err(|error| Trouble {
        sentence: tr(N_("This could not be allowed to the app.")),
        cause: error.message().translated(&tr),
        file: None,
    })
}

/// What was allowed to an app that runs is not any more. One that has ended needs no rule.
fn forbid_again(id: &str, undo: Option<Change>) {
    if let Some(undo) = undo {
        let id = id.to_owned();
        gio::spawn_blocking(move || rules::change(&id, &undo));
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
