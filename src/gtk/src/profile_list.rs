//! The list of profiles, with search.
//!
//! ```text
//! ProfileList
//! ├── header bar: “New Profile”, search, menu
//! ├── search bar
//! ├── “Running Apps”
//! └── stack: the list, or why there is none
//! ```
//!
//! Rows are made only for what is on the screen; the profiles themselves are plain data.

mod row;

/// What hears of the profile that is selected.
type Chosen = Box<dyn Fn(&ProfileItem)>;

use crate::library::Shown;
use crate::model::Query;
use crate::profile_item::ProfileItem;
use adw::prelude::*;
use gtk::glib;
use gtk::glib::subclass::prelude::*;

mod imp {
    use crate::library::Shown;
    use crate::model::Query;
    use crate::profile_item::ProfileItem;
    use gtk::subclass::prelude::*;
    use gtk::{gio, glib};
    use std::cell::{Cell, OnceCell, RefCell};

    #[derive(gtk::CompositeTemplate)]
    #[template(file = "profile_list.ui")]
    pub(crate) struct ProfileList {
        #[template_child]
        pub(super) header: TemplateChild<adw::HeaderBar>,
        #[template_child]
        pub(super) search_bar: TemplateChild<gtk::SearchBar>,
        #[template_child]
        pub(super) search: TemplateChild<gtk::SearchEntry>,
        #[template_child]
        pub(super) places: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) running: TemplateChild<gtk::ListBoxRow>,
        #[template_child]
        pub(super) stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub(super) view: TemplateChild<gtk::ListView>,
        pub(super) profiles: gio::ListStore,
        pub(super) selection: gtk::SingleSelection,
        pub(super) filter: gtk::CustomFilter,
        pub(super) query: RefCell<Query>,
        /// A selection that moves with the filter was not chosen by anybody.
        pub(super) filtering: Cell<bool>,
        /// The id of what was selected last; the filter may have taken it out of the list.
        pub(super) current: RefCell<String>,
        /// What the list was made from.
        pub(super) shown: RefCell<Option<Vec<Shown>>>,
        pub(super) chosen: OnceCell<super::Chosen>,
    }

    impl Default for ProfileList {
        fn default() -> Self {
            Self {
                header: TemplateChild::default(),
                search_bar: TemplateChild::default(),
                search: TemplateChild::default(),
                places: TemplateChild::default(),
                running: TemplateChild::default(),
                stack: TemplateChild::default(),
                view: TemplateChild::default(),
                profiles: gio::ListStore::new::<ProfileItem>(),
                selection: gtk::SingleSelection::new(None::<gio::ListModel>),
                filter: gtk::CustomFilter::new(|_| true),
                query: RefCell::default(),
                filtering: Cell::default(),
                current: RefCell::default(),
                shown: RefCell::default(),
                chosen: OnceCell::new(),
            }
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ProfileList {
        const NAME: &'static str = "ArkoseProfileList";
        type Type = super::ProfileList;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for ProfileList {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for ProfileList {}
    impl BoxImpl for ProfileList {}
}

glib::wrapper! {
    /// The side bar.
    pub(crate) struct ProfileList(ObjectSubclass<imp::ProfileList>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl ProfileList {
    fn set_up(&self) {
        let imp = self.imp();
        imp.filter.set_filter_func(glib::clone!(
            #[weak(rename_to = list)]
            self,
            #[upgrade_or]
            true,
            move |item| list.matches(item)
        ));
        let found = gtk::FilterListModel::new(Some(imp.profiles.clone()), Some(imp.filter.clone()));
        found.connect_items_changed(glib::clone!(
            #[weak(rename_to = list)]
            self,
            move |found, _, _, _| list.show_what_there_is(found.n_items())
        ));
        imp.selection.set_autoselect(false);
        imp.selection.set_can_unselect(true);
        imp.selection.set_model(Some(&found));
        imp.view.set_model(Some(&imp.selection));
        imp.view.set_factory(Some(&row::factory()));
        imp.selection.connect_selected_item_notify(glib::clone!(
            #[weak(rename_to = list)]
            self,
            move |_| {
                if !list.imp().filtering.get() {
                    list.choose();
                }
            }
        ));
        // A click on the selected row leads to its page again when the window shows one at a time.
        imp.view.connect_activate(glib::clone!(
            #[weak(rename_to = list)]
            self,
            move |_, _| list.choose()
        ));
        imp.places.connect_row_activated(|list, _| {
            // The window has it for as long as the list is in it.
            let _ = list.activate_action("win.running", None);
        });
        imp.search_bar.connect_entry(&*imp.search);
        imp.search.connect_search_changed(glib::clone!(
            #[weak(rename_to = list)]
            self,
            move |entry| {
                list.imp().query.replace(Query::new(&entry.text()));
                list.imp().filtering.set(true);
                list.imp().filter.changed(gtk::FilterChange::Different);
                let current = list.imp().current.borrow().clone();
                list.select(&current);
                list.imp().filtering.set(false);
            }
        ));
        imp.search.connect_activate(glib::clone!(
            #[weak(rename_to = list)]
            self,
            move |_| list.choose_first()
        ));
    }

    /// Calls `chosen` when a profile is selected.
    pub(crate) fn connect_chosen(&self, chosen: impl Fn(&ProfileItem) + 'static) {
        // It is connected once, by the window.
        let _ = self.imp().chosen.set(Box::new(chosen));
    }

    /// Whether what runs is shown beside the list.
    pub(crate) fn mark_running(&self, shown: bool) {
        let row = &self.imp().running;
        if shown {
            row.set_state_flags(gtk::StateFlags::SELECTED, false);
        } else {
            row.unset_state_flags(gtk::StateFlags::SELECTED);
        }
    }

    /// Opens the search, or goes to it.
    pub(crate) fn start_search(&self) {
        self.imp().search_bar.set_search_mode(true);
        self.imp().search.grab_focus();
    }

    /// Shows every profile again.
    pub(crate) fn end_search(&self) {
        self.imp().search_bar.set_search_mode(false);
    }

    /// Calls `started` when a search begins.
    pub(crate) fn connect_search_started(&self, started: impl Fn() + 'static) {
        self.imp().search_bar.connect_search_mode_enabled_notify(move |bar| {
            if bar.is_search_mode() {
                started();
            }
        });
    }

    /// What is typed anywhere in `window` goes to the search.
    pub(crate) fn capture_keys(&self, window: &impl IsA<gtk::Widget>) {
        self.imp().search_bar.set_key_capture_widget(Some(window));
    }

    /// Whether the window's buttons stand in this header bar.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.imp().header.set_show_end_title_buttons(alone);
    }

    /// Shows these profiles; the selection stays on the same one.
    pub(crate) fn set_profiles(&self, profiles: Vec<Shown>) {
        let imp = self.imp();
        if imp.shown.borrow().as_ref() == Some(&profiles) {
            return;
        }
        imp.shown.replace(Some(profiles.clone()));
        let selected = self.selected().map(|item| item.id().to_owned());
        let items: Vec<_> =
            profiles.into_iter().map(|shown| ProfileItem::new(shown.listed, shown.icon)).collect();
        imp.profiles.splice(0, imp.profiles.n_items(), &items);
        self.show_what_there_is(imp.selection.n_items());
        if let Some(id) = selected {
            self.select(&id);
        }
    }

    /// Selects a profile, if it is in the list.
    pub(crate) fn select(&self, id: &str) {
        let imp = self.imp();
        imp.current.replace(id.to_owned());
        let items = imp.selection.iter::<glib::Object>().flatten();
        let at = items
            .map(|item| item.downcast_ref::<ProfileItem>().is_some_and(|item| item.id() == id));
        let at = at.zip(0..).find_map(|(found, at)| found.then_some(at));
        imp.selection.set_selected(at.unwrap_or(gtk::INVALID_LIST_POSITION));
    }

    /// Whether a profile is among all that there are.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.imp().profiles.iter::<ProfileItem>().flatten().any(|item| item.id() == id)
    }

    /// Selects nothing.
    pub(crate) fn unselect(&self) {
        self.imp().current.take();
        self.imp().selection.set_selected(gtk::INVALID_LIST_POSITION);
    }

    /// The profile that is selected.
    pub(crate) fn selected(&self) -> Option<ProfileItem> {
        self.imp().selection.selected_item().and_downcast()
    }

    /// Shows how many apps run from each profile.
    pub(crate) fn show_running(&self, running: impl Fn(&str) -> usize) {
        for item in self.imp().profiles.iter::<ProfileItem>().flatten() {
            let now = u32::try_from(running(item.id())).unwrap_or(u32::MAX);
            if item.running() != now {
                item.set_running(now);
            }
        }
    }

    fn choose(&self) {
        if let (Some(item), Some(chosen)) = (self.selected(), self.imp().chosen.get()) {
            self.imp().current.replace(item.id().to_owned());
            chosen(&item);
        }
    }

    fn choose_first(&self) {
        let imp = self.imp();
        if imp.selection.n_items() > 0 {
            imp.selection.set_selected(0);
            self.choose();
            // From here the keys lead on to the page, not back into the search.
            imp.view.grab_focus();
        }
    }

    fn matches(&self, item: &glib::Object) -> bool {
        let listed = item.downcast_ref::<ProfileItem>().and_then(ProfileItem::listed);
        listed.is_none_or(|listed| {
            let app = listed.app.as_deref().unwrap_or_default();
            self.imp().query.borrow().matches(&[&listed.name, &listed.id, &listed.summary, app])
        })
    }

    fn show_what_there_is(&self, found: u32) {
        let imp = self.imp();
        let page = match (imp.profiles.n_items(), found) {
            (0, _) => "none",
            (_, 0) => "nothing-found",
            _ => "list",
        };
        imp.stack.set_visible_child_name(page);
    }
}
