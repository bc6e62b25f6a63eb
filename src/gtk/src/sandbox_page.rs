//! One sandbox that runs: what it uses, what it may reach, what it sends where, what it asks of the message
//! buses and the network, and its end.
//!
//! ```text
//! SandboxPage
//! ├── header bar: back, name, “Stop…”
//! ├── how long it has run, what it uses, what keeps it in; its policy, to be unfolded
//! ├── “Rules…”; a chart of what goes over the network, and a row for each destination
//! └── “Refused Only”; a CallRow for each call
//! ```
//!
//! The calls come over a socket to its supervisor, for as long as the page shows it.

mod call_row;
mod calls;
mod chart;
mod traffic;

use crate::i18n::{ngettext, say, sentence_case, tr};
use crate::library::Trouble;
use crate::model::running::{self, Reach, Seen};
use crate::running_page::{memory, walls};
use crate::window::Window;
use crate::{summary, ticker};
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::options::Risk;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

/// The facts, in the order of the page; message ids.
const FACTS: [&str; 3] = [N_("Running For"), N_("Memory"), N_("Processor")];

mod imp {
    use super::call_row::CallRow;
    use super::traffic::Row;
    use crate::header::Header;
    use crate::model::running::Seen;
    use crate::model::traffic::History;
    use gtk::glib;
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;
    use std::cell::{Cell, OnceCell, RefCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "sandbox_page.ui")]
    pub(crate) struct SandboxPage {
        #[template_child]
        pub(super) header: TemplateChild<Header>,
        #[template_child]
        pub(super) stop: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) facts: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) network: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub(super) rules: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) families: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) chart: TemplateChild<gtk::DrawingArea>,
        #[template_child]
        pub(super) minute: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) destinations: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) no_destinations: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) more: TemplateChild<gtk::Label>,
        /// Of IPv6 and of IPv4.
        pub(super) totals: OnceCell<[Row; 2]>,
        pub(super) destination_rows: RefCell<Vec<Row>>,
        pub(super) history: RefCell<History>,
        /// Whether what goes where can be known.
        pub(super) counted: Cell<bool>,
        /// Whether it is being asked for.
        pub(super) asking: Cell<bool>,
        #[template_child]
        pub(super) refused_only: TemplateChild<gtk::CheckButton>,
        #[template_child]
        pub(super) calls: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) no_calls: TemplateChild<gtk::Label>,
        /// The values of the facts.
        pub(super) values: OnceCell<Vec<(adw::ActionRow, gtk::Label)>>,
        pub(super) reach: adw::ExpanderRow,
        pub(super) reached: RefCell<Vec<gtk::ListBoxRow>>,
        /// What is shown.
        pub(super) seen: RefCell<Option<Seen>>,
        pub(super) looking: Cell<bool>,
        pub(super) rows: RefCell<Vec<CallRow>>,
        /// What reads the log.
        pub(super) reading: RefCell<Option<glib::JoinHandle<()>>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SandboxPage {
        const NAME: &'static str = "ArkoseSandboxPage";
        type Type = super::SandboxPage;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            Header::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for SandboxPage {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for SandboxPage {}
    impl BoxImpl for SandboxPage {}
}

glib::wrapper! {
    /// The page of one sandbox.
    pub(crate) struct SandboxPage(ObjectSubclass<imp::SandboxPage>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Default for SandboxPage {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl SandboxPage {
    fn set_up(&self) {
        let imp = self.imp();
        let value = |fact: &&str| {
            let value = gtk::Label::new(None);
            value.set_css_classes(&["numeric", "explanation"]);
            let row = adw::ActionRow::new();
            row.set_title(&tr(fact));
            row.add_suffix(&value);
            imp.facts.append(&row);
            (row, value)
        };
        // They are set once, here.
        let _ = imp.values.set(FACTS.iter().map(value).collect());
        imp.facts.append(&imp.reach);
        imp.reach.set_title(&tr(N_("What It May Reach")));
        imp.stop.connect_clicked(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_| page.ask_to_stop()
        ));
        self.set_up_traffic();
        self.set_up_calls();
        let page = self.downgrade();
        ticker::while_shown(self, move || {
            if let Some(page) = page.upgrade() {
                page.look();
                page.look_at_traffic();
            }
        });
    }

    /// Whether the window shows the page alone. There is a way back in any case: to the others.
    pub(crate) fn set_alone(&self, alone: bool) {
        let header = &self.imp().header;
        header.set_alone(alone);
        header.show_back(true);
    }

    /// Shows a sandbox.
    pub(crate) fn open(&self, seen: &Seen) {
        let imp = self.imp();
        imp.header.set_title(&seen.name);
        imp.stop.set_sensitive(true);
        imp.seen.replace(Some(seen.clone()));
        self.show(seen, seen);
        self.show_reach(None);
        self.read_reach();
        self.forget_traffic();
        self.look_at_traffic();
        self.read_calls();
    }

    fn id(&self) -> Option<String> {
        self.imp().seen.borrow().as_ref().map(|seen| seen.id.clone())
    }

    fn look(&self) {
        let imp = self.imp();
        let Some(id) = self.id().filter(|_| !imp.looking.get()) else { return };
        imp.looking.set(true);
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let all = gio::spawn_blocking(running::all).await.unwrap_or_default();
            let Some(page) = page.upgrade() else { return };
            page.imp().looking.set(false);
            let Some(before) = page.imp().seen.borrow().clone().filter(|seen| seen.id == id) else {
                return;
            };
            match all.into_iter().find(|seen| seen.id == id) {
                Some(now) => {
                    page.show(&before, &now);
                    page.imp().seen.replace(Some(now));
                }
                None => page.show_ended(),
            }
        });
    }

    fn show(&self, before: &Seen, now: &Seen) {
        let share = say(N_("{share} %"), &[("share", &running::share(before, now).to_string())]);
        let processes = ngettext("{count} process", "{count} processes", now.processes);
        let values = [
            (running::clock(now.elapsed), sentence_case(&walls(now))),
            (memory(now), String::new()),
            (share, processes),
        ];
        for ((row, label), (value, more)) in self.values().zip(values) {
            label.set_label(&value);
            row.set_subtitle(&more);
        }
    }

    fn values(&self) -> impl Iterator<Item = &(adw::ActionRow, gtk::Label)> {
        self.imp().values.get().into_iter().flatten()
    }

    /// What it asked for stays to be read.
    fn show_ended(&self) {
        let imp = self.imp();
        imp.stop.set_sensitive(false);
        let ended = [tr(N_("It has ended")), "–".to_owned(), "–".to_owned()];
        for ((row, label), value) in self.values().zip(ended) {
            label.set_label(&value);
            row.set_subtitle("");
        }
    }

    fn read_reach(&self) {
        let Some(id) = self.id() else { return };
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let asked = id.clone();
            let told = gio::spawn_blocking(move || running::reach(&asked)).await.unwrap_or(None);
            if let Some(page) = page.upgrade().filter(|page| page.id() == Some(id)) {
                page.show_reach(told);
            }
        });
    }

    /// What the app may reach, the most open first, and then what it may not.
    fn show_reach(&self, told: Option<(Risk, Reach)>) {
        let imp = self.imp();
        for row in imp.reached.take() {
            imp.reach.remove(&row);
        }
        imp.reach.set_sensitive(told.is_some());
        let Some((level, reach)) = told else {
            imp.reach.set_expanded(false);
            return imp.reach.set_subtitle(&tr(N_("Its supervisor has not said it.")));
        };
        imp.reach.set_subtitle(&sentence_case(&tr(level.title())));
        for (can, risk, text) in reach {
            let row = summary::line(can, risk, &text);
            row.add_css_class("reach");
            imp.reach.add_row(&row);
            imp.reached.borrow_mut().push(row);
        }
    }

    fn ask_to_stop(&self) {
        let Some(window) = self.root().and_downcast::<Window>() else { return };
        let Some(seen) = self.imp().seen.borrow().clone() else { return };
        let heading = say(N_("Stop {app}?"), &[("app", &seen.name)]);
        let body = tr(N_(
            "The app is asked to end, and is ended after five seconds. What it has not saved is lost.",
        ));
        let dialog = adw::MessageDialog::new(Some(&window), Some(&heading), Some(&body));
        dialog.add_response("cancel", &tr(N_("_Cancel")));
        dialog.add_response("stop", &tr(N_("_Stop")));
        dialog.set_response_appearance("stop", adw::ResponseAppearance::Destructive);
        dialog.set_default_response(Some("cancel"));
        dialog.set_close_response("cancel");
        let page = self.downgrade();
        dialog.connect_response(Some("stop"), move |_, _| {
            if let Some(page) = page.upgrade() {
                page.stop(&window, &seen);
            }
        });
        dialog.present();
    }

    fn stop(&self, window: &Window, seen: &Seen) {
        self.imp().stop.set_sensitive(false);
        let (page, window) = (self.downgrade(), window.clone());
        let id = seen.id.clone();
        glib::spawn_future_local(async move {
            let asked = id.clone();
            let ended = gio::spawn_blocking(move || {
                let ended = running::stop(&asked);
                ended.map_err(|error| Trouble {
                    sentence: error.message(&tr),
                    cause: error.cause().unwrap_or_default(),
                    file: None,
                })
            });
            let Some(page) = page.upgrade() else { return };
            let ended = ended.await;
            let same = page.id() == Some(id);
            match ended {
                Ok(Err(trouble)) => {
                    page.imp().stop.set_sensitive(same);
                    window.tell(&trouble);
                }
                _ if same => page.show_ended(),
                _ => {}
            }
        });
    }
}
