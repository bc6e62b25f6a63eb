//! The header bar of a page: a way back where one is needed, a title, and what the page puts at its end.

use crate::accessible::named;
use crate::i18n::tr;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use gtk::glib;
use gtk::glib::subclass::prelude::*;

mod imp {
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::glib;
    use std::cell::OnceCell;

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::Header)]
    pub(crate) struct Header {
        pub(super) bar: adw::HeaderBar,
        pub(super) title: adw::WindowTitle,
        pub(super) back: OnceCell<gtk::Button>,
        /// What stands at its end.
        #[property(get, set = Self::set_end)]
        pub(super) end: OnceCell<gtk::Widget>,
    }

    impl Header {
        fn set_end(&self, widget: gtk::Widget) {
            self.bar.pack_end(&widget);
            // It is set once, by the page's description.
            let _ = self.end.set(widget);
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Header {
        const NAME: &'static str = "ArkoseHeader";
        type Type = super::Header;
        type ParentType = adw::Bin;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Header {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for Header {}
    impl BinImpl for Header {}
}

glib::wrapper! {
    /// The header bar of a page.
    pub(crate) struct Header(ObjectSubclass<imp::Header>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl Header {
    fn set_up(&self) {
        let imp = self.imp();
        let back: gtk::Button = named(&tr(N_("Back")));
        back.set_icon_name("go-previous-symbolic");
        back.set_action_name(Some("win.back"));
        back.set_tooltip_text(Some(&tr(N_("Back"))));
        imp.bar.pack_start(&back);
        imp.bar.set_title_widget(Some(&imp.title));
        self.set_child(Some(&imp.bar));
        // It is set once, here.
        let _ = imp.back.set(back);
    }

    /// Whether the window shows the page alone and needs a way back to the list.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.show_back(alone);
        self.imp().bar.set_show_start_title_buttons(alone);
    }

    /// Whether there is a page to go back to.
    pub(crate) fn show_back(&self, shown: bool) {
        if let Some(back) = self.imp().back.get() {
            back.set_visible(shown);
        }
    }

    /// What the page is about.
    pub(crate) fn set_title(&self, title: &str) {
        self.imp().title.set_title(title);
    }

    /// Whether the title is to be seen.
    pub(crate) fn show_title(&self, shown: bool) {
        self.imp().title.set_visible(shown);
    }
}
