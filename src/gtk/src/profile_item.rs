//! A profile as the list's model holds it: plain data, no widget.

use arkose_profile::Listed;
use gtk::glib;
use gtk::glib::subclass::prelude::*;

mod imp {
    use arkose_profile::Listed;
    use gtk::glib;
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;
    use std::cell::{Cell, OnceCell};

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::ProfileItem)]
    pub(crate) struct ProfileItem {
        pub(super) listed: OnceCell<Listed>,
        pub(super) icon: OnceCell<Option<String>>,
        /// How many apps run from it.
        #[property(get, set)]
        pub(super) running: Cell<u32>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ProfileItem {
        const NAME: &'static str = "ArkoseProfileItem";
        type Type = super::ProfileItem;
    }

    #[glib::derived_properties]
    impl ObjectImpl for ProfileItem {}
}

glib::wrapper! {
    /// One profile of the list.
    pub(crate) struct ProfileItem(ObjectSubclass<imp::ProfileItem>);
}

impl ProfileItem {
    /// From what the store says, and the app's icon as `gio::Icon` writes it.
    pub(crate) fn new(listed: Listed, icon: Option<String>) -> Self {
        let item: Self = glib::Object::new();
        // Both are set once, here.
        let _ = item.imp().listed.set(listed);
        let _ = item.imp().icon.set(icon);
        item
    }

    /// What the store says of it.
    pub(crate) fn listed(&self) -> Option<&Listed> {
        self.imp().listed.get()
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.listed().map_or("", |listed| &listed.id)
    }

    /// The app's icon, as `gio::Icon` writes it.
    pub(crate) fn icon(&self) -> Option<&str> {
        self.imp().icon.get()?.as_deref()
    }
}
