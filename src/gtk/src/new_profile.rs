//! The dialog that makes a profile: from a name and a command, or from an installed app.
//!
//! ```text
//! NewProfile
//! ├── “Cancel”, “Create”
//! ├── name, command, what it begins with, “Opens windows”
//! └── installed apps, with search; choosing one fills the lines above
//! ```

mod apps;

use crate::i18n::tr;
use crate::library;
use crate::model::{Query, command, shipped};
use crate::window::Window;
use adw::prelude::*;
use apps::AppItem;
use arkose_profile::i18n::N_;
use arkose_profile::options::OPTIONS;
use arkose_profile::{Errors, Layer, Origin, Profile, Value};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

mod imp {
    use crate::model::Query;
    use adw::subclass::prelude::*;
    use arkose_profile::Profile;
    use gtk::glib;
    use std::cell::RefCell;

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "new_profile.ui")]
    pub(crate) struct NewProfile {
        #[template_child]
        pub(super) create: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub(super) command: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub(super) start: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub(super) windows_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub(super) windows: TemplateChild<gtk::Switch>,
        #[template_child]
        pub(super) search: TemplateChild<gtk::SearchEntry>,
        #[template_child]
        pub(super) apps: TemplateChild<gtk::ListView>,
        pub(super) query: RefCell<Query>,
        /// What the profile may begin with, in the order of the row; before them stands “Everything closed”.
        pub(super) presets: RefCell<Vec<Profile>>,
        /// The desktop entry of the app that was chosen.
        pub(super) app: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for NewProfile {
        const NAME: &'static str = "ArkoseNewProfile";
        type Type = super::NewProfile;
        type ParentType = adw::Window;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            crate::escape_does(class, "window.close");
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for NewProfile {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for NewProfile {}
    impl WindowImpl for NewProfile {}
    impl AdwWindowImpl for NewProfile {}
}

glib::wrapper! {
    /// The dialog.
    pub(crate) struct NewProfile(ObjectSubclass<imp::NewProfile>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

impl NewProfile {
    /// Opens it over a window.
    pub(crate) fn open(window: &Window) {
        let dialog: Self = glib::Object::builder().property("transient-for", window).build();
        // On a narrow screen the dialog is no wider than what it stands over.
        dialog.set_default_width(dialog.default_width().min(window.width()));
        dialog.present();
        dialog.imp().name.grab_focus();
    }

    fn set_up(&self) {
        let imp = self.imp();
        for entry in [&imp.name, &imp.command] {
            entry.connect_changed(glib::clone!(
                #[weak(rename_to = dialog)]
                self,
                move |_| dialog.judge()
            ));
        }
        imp.create.connect_clicked(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            move |_| dialog.create()
        ));
        let filter = gtk::CustomFilter::new(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            #[upgrade_or]
            true,
            move |item| {
                let app = item.downcast_ref::<AppItem>();
                app.is_none_or(|app| dialog.imp().query.borrow().matches(&[&app.name(), &app.id()]))
            }
        ));
        imp.search.connect_search_changed(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            #[weak]
            filter,
            move |entry| {
                dialog.imp().query.replace(Query::new(&entry.text()));
                filter.changed(gtk::FilterChange::Different);
            }
        ));
        let all = gio::ListStore::new::<AppItem>();
        let found = gtk::FilterListModel::new(Some(all.clone()), Some(filter));
        let selection = gtk::SingleSelection::new(Some(found));
        selection.set_autoselect(false);
        selection.set_can_unselect(true);
        selection.set_selected(gtk::INVALID_LIST_POSITION);
        selection.connect_selected_item_notify(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            move |selection| {
                if let Some(app) = selection.selected_item().and_downcast::<AppItem>() {
                    dialog.take(&app);
                }
            }
        ));
        imp.apps.set_model(Some(&selection));
        imp.apps.set_factory(Some(&apps::factory()));
        glib::spawn_future_local(async move { apps::fill(&all).await });
        let dialog = self.downgrade();
        glib::spawn_future_local(async move {
            let presets = library::presets().await.unwrap_or_default();
            if let Some(dialog) = dialog.upgrade() {
                dialog.offer(presets);
            }
        });
    }

    /// Offers what the profile may begin with.
    fn offer(&self, presets: Vec<Profile>) {
        let imp = self.imp();
        let names = gtk::StringList::new(&[&tr(N_("Everything closed"))]);
        for preset in &presets {
            names.append(&shipped::name(preset, &tr));
        }
        imp.start.set_model(Some(&names));
        // The row's own label for what is chosen gives way to the subtitle; the list keeps its own.
        imp.start.set_list_factory(imp.start.factory().as_ref());
        imp.start.set_factory(Some(&whole_words()));
        imp.start.set_visible(!presets.is_empty());
        imp.presets.replace(presets);
        imp.start.connect_selected_notify(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            move |_| dialog.show_start()
        ));
        self.show_start();
    }

    /// What a preset is for; whether the app opens windows is said by the preset itself.
    fn show_start(&self) {
        let imp = self.imp();
        let preset = self.preset();
        let summary = preset.as_ref().map(|preset| shipped::summary(preset, &tr));
        let summary =
            summary.unwrap_or_else(|| tr(N_("The app reaches nothing but what you choose.")));
        imp.start.set_subtitle(&glib::markup_escape_text(&summary));
        imp.windows_row.set_visible(preset.is_none());
    }

    fn preset(&self) -> Option<Profile> {
        let imp = self.imp();
        let at = usize::try_from(imp.start.selected()).ok()?.checked_sub(1)?;
        imp.presets.borrow().get(at).cloned()
    }

    /// Fills the lines from an app.
    fn take(&self, app: &AppItem) {
        let imp = self.imp();
        imp.name.set_text(&app.name());
        imp.command.set_text(&app.command());
        imp.windows.set_active(!app.terminal());
        imp.app.replace(app.id());
    }

    fn judge(&self) {
        let imp = self.imp();
        let command = command::parse(&imp.command.text());
        let flawed = command.is_none();
        imp.command.set_css_classes(if flawed { &["error"] } else { &[] });
        let named = !imp.name.text().trim().is_empty();
        imp.create.set_sensitive(named && command.is_some_and(|command| !command.is_empty()));
    }

    fn create(&self) {
        let imp = self.imp();
        let Some(window) = self.transient_for().and_downcast::<Window>() else { return };
        let name = imp.name.text().trim().to_owned();
        let layer = match self.layer(&name) {
            Ok(layer) => layer,
            Err(errors) => return window.toast(&errors.translated(&tr)),
        };
        let dialog = self.clone();
        glib::spawn_future_local(async move {
            match library::create(name, layer).await {
                Err(trouble) => window.tell(&trouble),
                Ok(id) => {
                    dialog.close();
                    window.read_list().await;
                    window.open_profile(id.into());
                    window.toast(&tr(N_("Profile created")));
                }
            }
        });
    }

    /// What the lines say, as the settings of a profile.
    fn layer(&self, name: &str) -> Result<Layer, Errors> {
        let imp = self.imp();
        let text = |text: &str| Value::Text(text.to_owned());
        // The file is named when it is written.
        let mut layer = Layer::new(Origin::User(std::path::PathBuf::new()));
        layer.set("name", text(name))?;
        let command = command::parse(&imp.command.text()).unwrap_or_default();
        layer.set("command", Value::List(command))?;
        if !imp.app.borrow().is_empty() {
            layer.set("app", text(&imp.app.borrow()))?;
        }
        if let Some(preset) = self.preset() {
            let about = ["name", "summary", "command", "app"];
            for option in OPTIONS.iter().filter(|option| !about.contains(&option.key)) {
                if *preset.origin(option.key) != Origin::Default {
                    layer.set(option.key, preset.value(option.key))?;
                }
            }
        } else if imp.windows.is_active() {
            layer.set("xserver", text("isolated"))?;
            layer.set("files.home", text("private"))?;
        }
        Ok(layer)
    }
}

/// Draws a text of a string list, never shortened.
fn whole_words() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_child(Some(&gtk::Label::new(None)));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        let text = item.item().and_downcast::<gtk::StringObject>();
        if let (Some(text), Some(label)) = (text, item.child().and_downcast::<gtk::Label>()) {
            label.set_label(&text.string());
        }
    });
    factory
}
