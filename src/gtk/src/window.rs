//! The main window: the list of profiles, and the page of the one that is chosen.
//!
//! ```text
//! Window
//! └── toasts
//!     └── leaflet
//!         ├── ProfileList
//!         └── stack: nothing chosen, ProfilePage, BrokenPage, RunningPage, SandboxPage
//! ```
//!
//! The pages are made when they are first needed, and serve every profile after that.

mod messages;
mod running;
mod watch;

use crate::application::Application;
use crate::broken_page::BrokenPage;
use crate::library;
use crate::new_profile::NewProfile;
use crate::profile_page::ProfilePage;
use adw::prelude::*;
use arkose_profile::is_id;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};
use std::ffi::OsString;

mod imp {
    use crate::broken_page::BrokenPage;
    use crate::profile_list::ProfileList;
    use crate::profile_page::ProfilePage;
    use crate::running_page::RunningPage;
    use crate::sandbox_page::SandboxPage;
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{gio, glib};
    use std::cell::{OnceCell, RefCell};
    use std::ffi::OsString;

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "window.ui")]
    pub(crate) struct Window {
        #[template_child]
        pub(super) toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub(super) leaflet: TemplateChild<adw::Leaflet>,
        #[template_child]
        pub(super) list: TemplateChild<ProfileList>,
        #[template_child]
        pub(super) content: TemplateChild<gtk::Stack>,
        pub(super) broken: OnceCell<BrokenPage>,
        pub(super) page: OnceCell<ProfilePage>,
        pub(super) running: OnceCell<RunningPage>,
        pub(super) sandbox: OnceCell<SandboxPage>,
        /// Tell when a profile is written, by whomever.
        pub(super) monitors: RefCell<Vec<gio::FileMonitor>>,
        pub(super) reading: RefCell<Option<glib::SourceId>>,
        /// What was said last.
        pub(super) toast: RefCell<Option<adw::Toast>>,
        /// The profile that is to be shown; another may have been chosen while it was read.
        pub(super) wanted: RefCell<OsString>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "ArkoseWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(class: &mut Self::Class) {
            ProfileList::ensure_type();
            class.bind_template();
            crate::escape_does(class, "win.back");
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Window {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for Window {}
    impl WindowImpl for Window {}
    impl ApplicationWindowImpl for Window {}
    impl AdwApplicationWindowImpl for Window {}
}

glib::wrapper! {
    /// The main window.
    pub(crate) struct Window(ObjectSubclass<imp::Window>)
        @extends adw::ApplicationWindow, gtk::ApplicationWindow, gtk::Window, gtk::Widget,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Buildable,
            gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl Window {
    /// A window that reads the profiles once it is on the screen.
    pub(crate) fn new(app: &Application) -> Self {
        let window: Self = glib::Object::builder().property("application", app).build();
        // Reading a thousand profiles takes a processor that the first frame needs.
        window.add_tick_callback(|window, _| {
            let window = window.clone();
            glib::spawn_future_local(async move {
                window.read_list().await;
                window.watch();
            });
            glib::ControlFlow::Break
        });
        window
    }

    fn set_up(&self) {
        let imp = self.imp();
        self.add_actions();
        imp.list.capture_keys(self);
        imp.list.connect_search_started(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || {
                let imp = window.imp();
                imp.leaflet.set_visible_child(&*imp.list);
            }
        ));
        imp.list.connect_chosen(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |item| window.open_profile(item.id().into())
        ));
        imp.leaflet.connect_folded_notify(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.show_folded()
        ));
        self.show_folded();
    }

    fn add_actions(&self) {
        let entry = gio::ActionEntry::builder;
        self.add_action_entries([
            entry("search").activate(|window: &Self, _, _| window.search()).build(),
            entry("new-profile").activate(|window: &Self, _, _| NewProfile::open(window)).build(),
            entry("running").activate(|window: &Self, _, _| window.show_running()).build(),
            entry("shortcuts").activate(|window: &Self, _, _| window.show_shortcuts()).build(),
            entry("back").activate(|window: &Self, _, _| window.go_back()).build(),
        ]);
    }

    /// Shows a profile, given by its id or its file.
    pub(crate) fn open_profile(&self, profile: OsString) {
        self.open_with_files(profile, Vec::new());
    }

    /// Shows a profile that is to open these files.
    pub(crate) fn open_with_files(&self, profile: OsString, files: Vec<OsString>) {
        self.imp().wanted.replace(profile.clone());
        self.imp().list.mark_running(false);
        let window = self.clone();
        glib::spawn_future_local(async move {
            let loaded = library::load(profile.clone()).await;
            let imp = window.imp();
            if *imp.wanted.borrow() != profile {
                return;
            }
            let id = profile.to_str().filter(|id| is_id(id)).map(str::to_owned);
            match loaded {
                Ok(loaded) => {
                    let page = window.page();
                    // The page that shows it already keeps what was changed on it.
                    if page.profile() != profile
                        || imp.content.visible_child_name().as_deref() != Some("page")
                        || !files.is_empty()
                    {
                        page.open(profile, loaded, files);
                    }
                    imp.content.set_visible_child_name("page");
                }
                Err(trouble) => {
                    window.broken_page().show_trouble(
                        id.as_deref(),
                        &profile.to_string_lossy(),
                        &trouble,
                    );
                    imp.content.set_visible_child_name("broken");
                }
            }
            match id {
                Some(id) if imp.list.selected().is_none_or(|item| item.id() != id) => {
                    imp.list.select(&id);
                }
                None => imp.list.unselect(),
                _ => {}
            }
            imp.leaflet.set_visible_child(&*imp.content);
        });
    }

    /// After a profile's files were written: the list and the page show what they say now.
    pub(crate) async fn profile_written(&self, profile: OsString) {
        self.read_list().await;
        let imp = self.imp();
        if profile.is_empty() || *imp.wanted.borrow() != profile {
            return;
        }
        match library::load(profile.clone()).await {
            Ok(loaded) if imp.content.visible_child_name().as_deref() == Some("page") => {
                self.page().reread(loaded);
            }
            Ok(_) => self.open_profile(profile),
            Err(_) if !self.lists(&profile) => self.show_nothing(),
            Err(_) => self.open_profile(profile),
        }
    }

    /// Reads the list of profiles anew.
    pub(crate) async fn read_list(&self) {
        match library::list().await {
            Ok(profiles) => {
                let imp = self.imp();
                imp.list.set_profiles(profiles);
                let wanted = imp.wanted.borrow().clone();
                if let Some(id) = wanted.to_str().filter(|id| !id.is_empty()) {
                    imp.list.select(id);
                }
                self.show_sandboxes();
            }
            Err(trouble) => self.tell(&trouble),
        }
    }

    /// Follows what runs.
    pub(crate) fn show_sandboxes(&self) {
        if let Some(app) = self.app() {
            self.imp().list.show_running(|id| app.sandboxes_of(id).len());
        }
        if let Some(page) = self.imp().page.get() {
            page.show_sandboxes();
        }
    }

    /// Stops what runs from a profile.
    pub(crate) fn stop(&self, profile: &str) {
        for sandbox in self.app().map(|app| app.sandboxes_of(profile)).unwrap_or_default() {
            sandbox.stop();
        }
    }

    fn app(&self) -> Option<Application> {
        self.application().and_downcast()
    }

    fn page(&self) -> &ProfilePage {
        let imp = self.imp();
        imp.page.get_or_init(|| {
            let page = ProfilePage::default();
            page.set_alone(imp.leaflet.is_folded());
            imp.content.add_named(&page, Some("page"));
            self.insert_action_group("page", Some(&page.actions()));
            page
        })
    }

    fn broken_page(&self) -> &BrokenPage {
        let imp = self.imp();
        imp.broken.get_or_init(|| {
            let page = BrokenPage::default();
            page.set_alone(imp.leaflet.is_folded());
            imp.content.add_named(&page, Some("broken"));
            page
        })
    }

    fn lists(&self, profile: &OsString) -> bool {
        profile.to_str().is_some_and(|id| self.imp().list.holds(id))
    }

    fn show_nothing(&self) {
        let imp = self.imp();
        imp.wanted.take();
        imp.list.unselect();
        imp.content.set_visible_child_name("nothing");
        imp.leaflet.set_visible_child(&*imp.list);
    }

    fn show_folded(&self) {
        let imp = self.imp();
        let folded = imp.leaflet.is_folded();
        imp.list.set_alone(folded);
        if let Some(page) = imp.broken.get() {
            page.set_alone(folded);
        }
        if let Some(page) = imp.page.get() {
            page.set_alone(folded);
        }
        if let Some(page) = imp.running.get() {
            page.set_alone(folded);
        }
        if let Some(page) = imp.sandbox.get() {
            page.set_alone(folded);
        }
    }

    fn search(&self) {
        let imp = self.imp();
        imp.leaflet.set_visible_child(&*imp.list);
        imp.list.start_search();
    }

    fn go_back(&self) {
        let imp = self.imp();
        let on_list = imp.leaflet.visible_child().is_some_and(|child| child == *imp.list);
        if !on_list && imp.content.visible_child_name().as_deref() == Some("sandbox") {
            self.show_running();
        } else if imp.leaflet.is_folded() && !on_list {
            imp.leaflet.navigate(adw::NavigationDirection::Back);
        } else {
            imp.list.end_search();
        }
    }
}
