//! A row of the list: icon, name, what the profile is for, and whether an app runs from it.

use crate::accessible::{decorative, named};
use crate::i18n::{say, sentence_case, tr};
use crate::profile_item::ProfileItem;
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::text::visible;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

mod imp {
    use crate::profile_item::ProfileItem;
    use gtk::glib;
    use gtk::subclass::prelude::*;
    use std::cell::{OnceCell, RefCell};

    #[derive(Default)]
    pub(crate) struct ProfileRow {
        pub(super) icon: gtk::Image,
        pub(super) name: gtk::Label,
        pub(super) what: gtk::Label,
        pub(super) stop: OnceCell<gtk::Button>,
        pub(super) item: RefCell<Option<(ProfileItem, glib::SignalHandlerId)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ProfileRow {
        const NAME: &'static str = "ArkoseProfileRow";
        type Type = super::ProfileRow;
        type ParentType = gtk::Box;
    }

    impl ObjectImpl for ProfileRow {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().build();
        }
    }

    impl WidgetImpl for ProfileRow {}
    impl BoxImpl for ProfileRow {}
}

glib::wrapper! {
    /// A row of the list. It is built in code: a template would be read for every row.
    pub(crate) struct ProfileRow(ObjectSubclass<imp::ProfileRow>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

/// Makes rows and fills them.
pub(super) fn factory() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_child(Some(&glib::Object::new::<ProfileRow>()));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        let row = item.child().and_downcast::<ProfileRow>();
        if let (Some(row), Some(profile)) = (row, item.item().and_downcast::<ProfileItem>()) {
            row.bind(profile);
        }
    });
    factory.connect_unbind(|_, item| {
        let item = item.downcast_ref::<gtk::ListItem>();
        if let Some(row) = item.and_then(gtk::ListItem::child).and_downcast::<ProfileRow>() {
            row.unbind();
        }
    });
    factory
}

impl ProfileRow {
    fn build(&self) {
        let imp = self.imp();
        self.set_spacing(12);
        self.set_margin_top(6);
        self.set_margin_bottom(6);
        imp.icon.set_pixel_size(32);
        decorative(&imp.icon);
        imp.name.set_xalign(0.0);
        imp.name.set_ellipsize(gtk::pango::EllipsizeMode::End);
        imp.what.set_xalign(0.0);
        imp.what.set_ellipsize(gtk::pango::EllipsizeMode::End);
        imp.what.add_css_class("caption");
        imp.what.add_css_class("explanation");
        let words = gtk::Box::new(gtk::Orientation::Vertical, 2);
        words.set_hexpand(true);
        words.set_valign(gtk::Align::Center);
        words.append(&imp.name);
        words.append(&imp.what);
        let stop: gtk::Button = named(&tr(N_("Stop the App")));
        stop.set_icon_name("media-playback-stop-symbolic");
        stop.set_valign(gtk::Align::Center);
        stop.set_css_classes(&["flat", "circular"]);
        stop.connect_clicked(glib::clone!(
            #[weak(rename_to = row)]
            self,
            move |_| row.stop()
        ));
        self.append(&imp.icon);
        self.append(&words);
        self.append(&stop);
        // It is set once, here.
        let _ = imp.stop.set(stop);
    }

    fn bind(&self, item: ProfileItem) {
        let imp = self.imp();
        let icon = item.icon().and_then(|icon| gio::Icon::for_string(icon).ok());
        match icon {
            Some(icon) => imp.icon.set_from_gicon(&icon),
            None => imp.icon.set_icon_name(Some(crate::icon::FALLBACK)),
        }
        let handler = item.connect_running_notify(glib::clone!(
            #[weak(rename_to = row)]
            self,
            move |item| row.show(item)
        ));
        self.show(&item);
        imp.item.replace(Some((item, handler)));
    }

    fn unbind(&self) {
        if let Some((item, handler)) = self.imp().item.take() {
            item.disconnect(handler);
        }
    }

    fn show(&self, item: &ProfileItem) {
        let imp = self.imp();
        let Some(listed) = item.listed() else { return };
        let wrong = listed.error.as_ref().and_then(|errors| errors.0.first());
        let wrong = wrong.map(|error| sentence_case(&error.message.translated(&tr)));
        let running = item.running() > 0;
        imp.name.set_label(&visible(listed.name.as_bytes()));
        let what = match &wrong {
            Some(wrong) => wrong.clone(),
            None if running => tr(N_("Running")),
            None => visible(listed.summary.as_bytes()),
        };
        imp.what.set_label(&what);
        imp.what.set_visible(!what.is_empty());
        if wrong.is_some() {
            imp.icon.set_icon_name(Some("dialog-warning-symbolic"));
            imp.what.add_css_class("error");
        } else {
            imp.what.remove_css_class("error");
        }
        if let Some(stop) = imp.stop.get() {
            stop.set_visible(running);
            stop.set_tooltip_text(Some(&say(N_("Stop {profile}"), &[("profile", &listed.name)])));
        }
        self.set_tooltip_text(Some(&listed.id));
    }

    fn stop(&self) {
        let id = self.imp().item.borrow().as_ref().map(|(item, _)| item.id().to_owned());
        let window = self.root().and_downcast::<Window>();
        if let (Some(id), Some(window)) = (id, window) {
            window.stop(&id);
        }
    }
}
