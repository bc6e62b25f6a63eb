//! What the actions of the profile page do: launch, stop, undo, save, discard, reset, delete.

use super::ProfilePage;
use crate::failure;
use crate::i18n::{say, tr};
use crate::library::{self, Backup, Trouble};
use crate::model::{Remembered, Request, WayBack, fingerprint, shipped};
use crate::sandbox::State;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use arkose_profile::{Context, Layer};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

/// What an action without a parameter does.
type Act = fn(&ProfilePage);

impl ProfilePage {
    pub(super) fn add_actions(&self) {
        let actions: [(&str, Act); 7] = [
            ("launch", Self::launch),
            ("stop", Self::stop),
            ("undo", Self::undo),
            ("save", Self::save),
            ("discard", Self::discard),
            ("reset", Self::reset),
            ("delete", Self::delete),
        ];
        for (name, act) in actions {
            let action = gio::SimpleAction::new(name, None);
            action.connect_activate(glib::clone!(
                #[weak(rename_to = page)]
                self,
                move |_, _| act(&page)
            ));
            self.imp().actions.add_action(&action);
        }
        let ask = gio::SimpleAction::new_stateful("ask", None, &true.to_variant());
        ask.connect_change_state(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |action, state| {
                if let Some(ask) = state.and_then(glib::Variant::get::<bool>) {
                    page.set_asking(ask);
                    action.set_state(&ask.to_variant());
                }
            }
        ));
        self.imp().actions.add_action(&ask);
    }

    fn launch(&self) {
        let imp = self.imp();
        let Some((changes, name)) = imp
            .draft
            .borrow()
            .as_ref()
            .map(|draft| (draft.changes().clone(), shipped::name(draft.effective(), &tr)))
        else {
            return;
        };
        let request =
            Request { profile: self.profile(), changes, files: imp.files.borrow().clone() };
        let (Some(app), Some(window)) = (self.app(), self.window()) else { return };
        let sandbox = app.launch(&request, &name);
        sandbox.connect_state_notify(glib::clone!(
            #[weak]
            window,
            move |sandbox| {
                if let Some(failure) =
                    sandbox.failure().filter(|_| sandbox.state() == State::Failed)
                {
                    failure::show(Some(window.upcast_ref()), &sandbox.name(), &failure);
                }
            }
        ));
    }

    fn stop(&self) {
        let profile = self.profile().to_string_lossy().into_owned();
        for sandbox in self.app().map(|app| app.sandboxes_of(&profile)).unwrap_or_default() {
            sandbox.stop();
        }
    }

    pub(super) fn undo(&self) {
        self.forget_toast();
        let key = self.imp().draft.borrow_mut().as_mut().and_then(|draft| draft.undo());
        self.refresh();
        if let Some(key) = key {
            self.point_out(key);
        }
    }

    fn discard(&self) {
        if let Some(draft) = self.imp().draft.borrow_mut().as_mut() {
            draft.discard_all();
        }
        self.refresh();
        self.offer_undo(&tr(N_("Launch changes discarded")));
    }

    /// Goes back one step in one row: drops the change, or takes the value out of the override.
    pub(super) fn reset_row(&self, option: &'static Opt) {
        let way_back = self.imp().draft.borrow().as_ref().map(|draft| draft.way_back(option.key));
        match way_back {
            Some(WayBack::Change) => {
                self.forget_toast();
                if let Some(draft) = self.imp().draft.borrow_mut().as_mut() {
                    draft.discard(option.key);
                }
                self.refresh();
            }
            Some(WayBack::Override) => {
                let id = self.profile().to_string_lossy().into_owned();
                let said = say(N_("{option} reset"), &[("option", &tr(option.title))]);
                let writing = library::save(id, Layer::launch(), vec![option.key]);
                self.write(said, writing);
            }
            _ => {}
        }
    }

    fn save(&self) {
        let changes = self.imp().draft.borrow().as_ref().map(|draft| draft.changes().clone());
        let Some(changes) = changes.filter(|changes| !changes.is_empty()) else { return };
        let id = self.profile().to_string_lossy().into_owned();
        self.write(tr(N_("Saved to your profile")), library::save(id, changes, Vec::new()));
    }

    fn reset(&self) {
        let id = self.profile().to_string_lossy().into_owned();
        self.write(tr(N_("Profile reset")), library::reset(id));
    }

    fn delete(&self) {
        let id = self.profile().to_string_lossy().into_owned();
        let name = self.imp().name.label();
        let said = say(N_("{profile} deleted"), &[("profile", &name)]);
        self.write(said, library::reset(id));
    }

    /// Writes, shows what the files then say, and offers to take it back.
    fn write(
        &self,
        said: String,
        writing: impl Future<Output = Result<Backup, Trouble>> + 'static,
    ) {
        let Some(window) = self.window() else { return };
        let profile = self.profile();
        glib::spawn_future_local(async move {
            match writing.await {
                Err(trouble) => window.tell(&trouble),
                Ok(backup) => {
                    window.profile_written(profile.clone()).await;
                    window.wrote(profile, &said, backup, || ());
                }
            }
        });
    }

    /// Shows in the menu whether a launcher asks before it starts this profile.
    pub(super) fn remember_asking(&self) {
        let profile = self.profile().to_string_lossy().into_owned();
        let action = self.imp().actions.lookup_action("ask").and_downcast::<gio::SimpleAction>();
        let Some(action) = action else { return };
        glib::spawn_future_local(async move {
            let known = gio::spawn_blocking(move || Remembered::open().knows(&profile)).await;
            action.set_state(&(!known.unwrap_or(false)).to_variant());
        });
    }

    fn set_asking(&self, ask: bool) {
        let policy = self
            .imp()
            .draft
            .borrow()
            .as_ref()
            .and_then(|draft| draft.stored().policy(&Context::current().ok()?).ok());
        let profile = self.profile().to_string_lossy().into_owned();
        let Some(fingerprint) = policy.as_ref().and_then(fingerprint) else { return };
        let window = self.window();
        glib::spawn_future_local(async move {
            let remember = move || match ask {
                true => Remembered::open().ask(&profile),
                false => Remembered::open().launch_directly(&profile, &fingerprint),
            };
            if let (Ok(Err(error)), Some(window)) = (gio::spawn_blocking(remember).await, window) {
                window.toast(error.message());
            }
        });
    }
}
