//! One profile: its options, what they allow, and launching it.
//!
//! ```text
//! ProfilePage
//! ├── header bar: (back), name, “Launch”, menu
//! ├── strip while an app runs from it: “Running”, “Stop”
//! ├── Pair
//! │   ├── icon, name, what it is for; a list of OptionRow for each group of the option table
//! │   └── Summary
//! └── bar while something is changed for this launch: “Discard Launch Changes”, “Save to Profile”
//! ```
//!
//! The state is a [`Draft`]; every edit goes there first and the widgets are drawn from it.
//! What the actions do is in [`actions`].

mod actions;

use crate::accessible::named;
use crate::i18n::{ngettext, say, tr};
use crate::model::{Draft, WayBack, file_names, shipped, with_files};
use crate::option_row::{Edit, OptionRow, RowState};
use crate::summary::Content;
use crate::window::Window;
use crate::{icon, sandbox};
use adw::prelude::*;
use arkose_admin::explain;
use arkose_profile::bus::Bus;
use arkose_profile::i18n::N_;
use arkose_profile::options::{Group, Kind, OPTIONS, Opt};
use arkose_profile::text::visible;
use arkose_profile::{Context, DBus, Network, Origin, Profile};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};
use std::ffi::OsString;

/// What rules are for; they are shown where the app has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruled {
    Bus(Bus),
    Network,
}

/// The headings of the rules; message ids.
const RULES: [(Ruled, &str); 3] = [
    (Ruled::Bus(Bus::Session), N_("Rules for the Session Bus")),
    (Ruled::Bus(Bus::System), N_("Rules for the System Bus")),
    (Ruled::Network, N_("Rules for the Network")),
];

/// What an option rules.
fn rules_of(option: &Opt) -> Option<Ruled> {
    match option.kind {
        Kind::BusRules(bus, _) => Some(Ruled::Bus(bus)),
        _ => option.key.starts_with("network-rules.").then_some(Ruled::Network),
    }
}

mod imp {
    use super::Ruled;
    use crate::header::Header;
    use crate::model::Draft;
    use crate::option_row::OptionRow;
    use crate::pair::Pair;
    use crate::summary::Summary;
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{gio, glib};
    use std::cell::RefCell;
    use std::ffi::OsString;

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "profile_page.ui")]
    pub(crate) struct ProfilePage {
        #[template_child]
        pub(super) header: TemplateChild<Header>,
        #[template_child]
        pub(super) launch: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) launch_label: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) running_revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub(super) spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub(super) running: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) pair: TemplateChild<Pair>,
        #[template_child]
        pub(super) groups: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) name: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) what: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) summary: TemplateChild<Summary>,
        #[template_child]
        pub(super) changes_revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub(super) discard: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) save_label: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) changes: TemplateChild<gtk::Label>,
        pub(super) rows: RefCell<Vec<OptionRow>>,
        /// The rules for each message bus, and for the network.
        pub(super) rule_groups: RefCell<Vec<(Ruled, adw::PreferencesGroup)>>,
        pub(super) actions: gio::SimpleActionGroup,
        pub(super) draft: RefCell<Option<Draft>>,
        /// The profile's id, or its file.
        pub(super) profile: RefCell<OsString>,
        /// Offers to take back the last edit of the draft.
        pub(super) undo_toast: RefCell<Option<adw::Toast>>,
        /// The desktop entry whose icon is shown.
        pub(super) app: RefCell<Option<Option<String>>>,
        /// What a launcher wants to open with it.
        pub(super) files: RefCell<Vec<OsString>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ProfilePage {
        const NAME: &'static str = "ArkoseProfilePage";
        type Type = super::ProfilePage;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            Header::ensure_type();
            Pair::ensure_type();
            Summary::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for ProfilePage {
        fn constructed(&self) {
            self.parent_constructed();
            let page = self.obj();
            page.build_rows();
            page.add_actions();
            page.set_narrow(false);
            for revealer in [&*self.running_revealer, &*self.changes_revealer] {
                // What is slid away is gone for screen readers, too.
                revealer.connect_child_revealed_notify(|revealer| {
                    revealer.set_visible(revealer.is_child_revealed() || revealer.reveals_child());
                });
            }
            self.summary.connect_chosen(glib::clone!(
                #[weak]
                page,
                move |key| page.point_out(key)
            ));
            self.pair.connect_narrow_notify(glib::clone!(
                #[weak]
                page,
                move |pair| page.set_narrow(pair.narrow())
            ));
        }
    }

    impl WidgetImpl for ProfilePage {}
    impl BoxImpl for ProfilePage {}
}

glib::wrapper! {
    /// The page of one profile.
    pub(crate) struct ProfilePage(ObjectSubclass<imp::ProfilePage>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Default for ProfilePage {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl ProfilePage {
    /// The actions of this page, for its window.
    pub(crate) fn actions(&self) -> gio::SimpleActionGroup {
        self.imp().actions.clone()
    }

    /// Whether the window shows the page alone and needs a way back to the list.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.imp().header.set_alone(alone);
    }

    /// Shows a profile without changes; `files` are to be opened with it.
    pub(crate) fn open(&self, name: OsString, profile: Profile, files: Vec<OsString>) {
        let imp = self.imp();
        imp.profile.replace(name);
        imp.files.replace(files);
        imp.draft.replace(Some(Draft::new(profile)));
        self.forget_toast();
        self.remember_asking();
        self.refresh();
        self.show_sandboxes();
    }

    /// Takes what the files say now; changes for this launch stay.
    pub(crate) fn reread(&self, profile: Profile) {
        if let Some(draft) = self.imp().draft.borrow_mut().as_mut() {
            draft.restore(profile);
        }
        self.refresh();
    }

    /// The id or file of the profile that is shown.
    pub(crate) fn profile(&self) -> OsString {
        self.imp().profile.borrow().clone()
    }

    /// Follows what runs from this profile.
    pub(crate) fn show_sandboxes(&self) {
        let imp = self.imp();
        let profile = imp.profile.borrow().to_string_lossy().into_owned();
        let alive = self.app().map(|app| app.sandboxes_of(&profile)).unwrap_or_default();
        let waits = |state| alive.iter().any(|sandbox| sandbox.state() == state);
        let text = if waits(sandbox::State::Starting) {
            tr(N_("Starting…"))
        } else if waits(sandbox::State::Stopping) {
            tr(N_("Stopping…"))
        } else if alive.len() > 1 {
            ngettext("{count} app is running", "{count} apps are running", alive.len())
        } else {
            tr(N_("Running"))
        };
        let busy = waits(sandbox::State::Starting) || waits(sandbox::State::Stopping);
        imp.spinner.set_visible(busy);
        if !alive.is_empty() {
            imp.running.set_label(&text);
        }
        reveal(&imp.running_revealer, !alive.is_empty());
        self.enable("stop", !alive.is_empty());
    }

    fn app(&self) -> Option<crate::application::Application> {
        gio::Application::default().and_downcast()
    }

    fn window(&self) -> Option<Window> {
        self.root().and_downcast()
    }

    fn build_rows(&self) {
        for group in Group::ALL {
            let options = || OPTIONS.iter().filter(move |option| option.group == group);
            self.build_group(group.title(), options().filter(|option| rules_of(option).is_none()));
            for (ruled, title) in RULES {
                let rules = options().filter(|option| rules_of(option) == Some(ruled));
                if let Some(group) = self.build_group(title, rules) {
                    self.imp().rule_groups.borrow_mut().push((ruled, group));
                }
            }
        }
    }

    /// A titled list of a row for each option; none where there is no option.
    fn build_group(
        &self,
        title: &str,
        options: impl Iterator<Item = &'static Opt>,
    ) -> Option<adw::PreferencesGroup> {
        let imp = self.imp();
        let list: gtk::ListBox = named(&tr(title));
        list.set_selection_mode(gtk::SelectionMode::None);
        list.add_css_class("boxed-list");
        list.connect_row_activated(|_, row| {
            if let Some(row) = row.downcast_ref::<OptionRow>() {
                row.operate();
            }
        });
        for option in options {
            let edited = glib::clone!(
                #[weak(rename_to = page)]
                self,
                move |option, edit| page.edited(option, edit)
            );
            let reset = glib::clone!(
                #[weak(rename_to = page)]
                self,
                move |option: &'static Opt| page.reset_row(option)
            );
            let row = OptionRow::new(option, edited, reset);
            list.append(&row);
            imp.rows.borrow_mut().push(row);
        }
        list.first_child()?;
        let titled = adw::PreferencesGroup::builder().title(tr(title)).build();
        titled.add(&list);
        imp.groups.append(&titled);
        Some(titled)
    }

    /// Rules for a bus are shown where the app is on it, those for the network where it is filtered,
    /// and each where there are any.
    fn show_rule_groups(&self, profile: &Profile) {
        let dbus = DBus::parse(profile.value("dbus").as_text()).unwrap_or(DBus::None);
        for (ruled, group) in self.imp().rule_groups.borrow().iter() {
            let reached = match ruled {
                Ruled::Bus(Bus::System) => dbus.system(),
                Ruled::Bus(_) => dbus.session(),
                Ruled::Network => profile.value("network").as_text() == Network::Filtered.as_str(),
            };
            let mut rules = OPTIONS.iter().filter(|option| rules_of(option) == Some(*ruled));
            let any = rules.any(|option| !profile.value(option.key).as_list().is_empty());
            group.set_visible(reached || any);
        }
    }

    /// Puts an edit into the draft and draws what came of it.
    fn edited(&self, option: &'static Opt, edit: Edit) {
        let (value, removed) = match edit {
            Edit::Set(value) => (value, None),
            Edit::Removed(value, entry) => (value, Some(entry)),
        };
        self.forget_toast();
        let done = match self.imp().draft.borrow_mut().as_mut() {
            Some(draft) => draft.set(option, value),
            None => return,
        };
        self.refresh();
        let Some(window) = self.window() else { return };
        match (done, removed) {
            (Err(errors), _) => window.toast(&errors.translated(&tr)),
            (Ok(()), Some(entry)) => {
                self.offer_undo(&say(N_("Removed {entry}"), &[("entry", &entry)]));
            }
            _ => {}
        }
    }

    /// Says what was done to the draft, and offers to take it back until something else is done.
    fn offer_undo(&self, text: &str) {
        let Some(window) = self.window() else { return };
        let page = self.downgrade();
        let toast = window.toast_with_undo(text, move || {
            if let Some(page) = page.upgrade() {
                page.undo();
            }
        });
        self.imp().undo_toast.replace(Some(toast));
    }

    fn forget_toast(&self) {
        if let Some(toast) = self.imp().undo_toast.take() {
            toast.dismiss();
        }
    }

    /// Draws the draft.
    fn refresh(&self) {
        let imp = self.imp();
        let draft = imp.draft.borrow();
        let Some(draft) = draft.as_ref() else { return };
        let profile = draft.effective();
        let name = visible(shipped::name(profile, &tr).as_bytes());
        imp.header.set_title(&name);
        imp.name.set_label(&name);
        let app = profile.app();
        if imp.app.borrow().as_ref() != Some(&app) {
            icon::show(&imp.icon, app.as_deref());
            imp.app.replace(Some(app));
        }
        imp.what.set_label(&self.what(profile));
        let conflicts = draft.conflicts();
        for row in imp.rows.borrow().iter() {
            let key = row.key();
            let clash = conflicts.iter().find(|(one, other, _)| one.key == key || other.key == key);
            let problem = clash.map(|(one, other, conflict)| {
                let with = if one.key == key { other } else { one };
                say(
                    N_("Cannot go with “{option}”: {reason}."),
                    &[("option", &tr(with.title)), ("reason", &tr(conflict.reason))],
                )
            });
            row.show(RowState {
                value: shipped::value(profile, key, &tr),
                origin: profile.origin(key).clone(),
                resettable: draft.way_back(key) != WayBack::Nothing,
                problem,
            });
        }
        self.show_rule_groups(profile);
        let possible = self.summarise(draft);
        self.show_changes(draft, possible);
    }

    /// Draws the summary; says whether the profile can be launched as it is.
    fn summarise(&self, draft: &Draft) -> bool {
        let content = match Context::current() {
            Err(error) => Content::Impossible(vec![error.0.translated(&tr)]),
            Ok(context) => match draft.policy(&context) {
                Ok(policy) => {
                    let policy = with_files(policy, &context, &self.imp().files.borrow());
                    let notes = draft.stored().notes.iter().map(|note| note.translated(&tr));
                    let explanation = explain(draft.effective(), &policy, &context, &tr);
                    Content::Explained(explanation, notes.collect())
                }
                Err(errors) => Content::Impossible(
                    errors.0.iter().map(|error| error.translated(&tr)).collect(),
                ),
            },
        };
        let possible = matches!(content, Content::Explained(..));
        self.imp().summary.show_content(content);
        possible
    }

    fn show_changes(&self, draft: &Draft, possible: bool) {
        let imp = self.imp();
        let changes = draft.change_count();
        let launch = if changes == 0 { N_("_Launch") } else { N_("_Launch with Changes") };
        let launch = tr(launch);
        // A header bar gives a label less than it could; it must not shorten this one.
        imp.launch_label.set_width_chars(i32::try_from(launch.chars().count()).unwrap_or(-1));
        imp.launch_label.set_label(&launch);
        if changes > 0 {
            let text = ngettext(
                "{count} change for this launch",
                "{count} changes for this launch",
                changes,
            );
            imp.changes.set_label(&text);
        }
        reveal(&imp.changes_revealer, changes > 0);
        let layers = draft.stored().layers();
        let of_user = |origin: &Origin| matches!(origin, Origin::User(_));
        let file = layers.iter().any(|layer| matches!(layer.origin, Origin::File(_)));
        let overridden = layers.iter().any(|layer| of_user(&layer.origin));
        let own = layers.iter().all(|layer| of_user(&layer.origin));
        self.enable("launch", possible && !draft.effective().command().is_empty());
        self.enable("undo", draft.can_undo());
        self.enable("save", possible && changes > 0 && !file);
        self.enable("discard", changes > 0);
        self.enable("reset", overridden && !own);
        self.enable("delete", overridden && own);
    }

    /// The sentence under the name: what the profile is for, and what is to be opened with it.
    fn what(&self, profile: &Profile) -> String {
        let summary = visible(shipped::summary(profile, &tr).as_bytes());
        let Some(names) = file_names(&self.imp().files.borrow()) else { return summary };
        let opens = say(N_("Opens {files}"), &[("files", &names)]);
        if summary.is_empty() { opens } else { format!("{summary}\n{opens}") }
    }

    fn point_out(&self, key: &str) {
        let rows = self.imp().rows.borrow();
        if let Some(row) = rows.iter().find(|row| row.key() == key) {
            row.point_out();
        }
    }

    fn set_narrow(&self, narrow: bool) {
        let imp = self.imp();
        imp.summary.set_narrow(narrow);
        imp.launch.set_visible(!narrow);
        // The name stands below in large letters; the title is for when that is scrolled away.
        imp.header.show_title(narrow);
        imp.discard.set_visible(!narrow);
        let save = if narrow { N_("Save") } else { N_("Save to Profile") };
        imp.save_label.set_label(&tr(save));
    }

    fn enable(&self, action: &str, enabled: bool) {
        let action = self.imp().actions.lookup_action(action);
        if let Some(action) = action.and_downcast::<gio::SimpleAction>() {
            action.set_enabled(enabled);
        }
    }
}

/// Slides a bar in or out.
fn reveal(bar: &gtk::Revealer, shown: bool) {
    if shown {
        bar.set_visible(true);
    }
    bar.set_reveal_child(shown);
}
