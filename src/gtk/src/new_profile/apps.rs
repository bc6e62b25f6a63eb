//! The installed apps, as the dialog's list shows them.

use crate::accessible::decorative;
use crate::model::command;
use adw::prelude::*;
use gio_unix::DesktopAppInfo;
use gtk::{gio, glib};

mod imp {
    use gtk::glib;
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;
    use std::cell::{Cell, RefCell};

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::AppItem)]
    pub(crate) struct AppItem {
        #[property(get, set)]
        pub(super) id: RefCell<String>,
        #[property(get, set)]
        pub(super) name: RefCell<String>,
        #[property(get, set)]
        pub(super) command: RefCell<String>,
        #[property(get, set, nullable)]
        pub(super) icon: RefCell<Option<String>>,
        #[property(get, set)]
        pub(super) terminal: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AppItem {
        const NAME: &'static str = "ArkoseAppItem";
        type Type = super::AppItem;
    }

    #[glib::derived_properties]
    impl ObjectImpl for AppItem {}
}

glib::wrapper! {
    /// An installed app.
    pub(crate) struct AppItem(ObjectSubclass<imp::AppItem>);
}

/// What is known of an app, as it can leave the thread that found it.
struct Found {
    id: String,
    name: String,
    command: String,
    icon: Option<String>,
    terminal: bool,
}

/// Finds the installed apps and puts them into a list.
pub(super) async fn fill(list: &gio::ListStore) {
    let found = gio::spawn_blocking(find).await.unwrap_or_default();
    let items = found.into_iter().map(|app| {
        glib::Object::builder::<AppItem>()
            .property("id", app.id)
            .property("name", app.name)
            .property("command", app.command)
            .property("icon", app.icon)
            .property("terminal", app.terminal)
            .build()
    });
    list.splice(0, list.n_items(), &items.collect::<Vec<_>>());
}

fn find() -> Vec<Found> {
    let shown = gio::AppInfo::all().into_iter().filter(AppInfoExt::should_show);
    let found = shown.filter_map(|app| {
        let line = app.commandline()?;
        let desktop = app.downcast_ref::<DesktopAppInfo>();
        Some(Found {
            id: app.id()?.into(),
            name: app.display_name().into(),
            command: without_codes(line.to_str()?)?,
            icon: app.icon().and_then(|icon| IconExt::to_string(&icon)).map(Into::into),
            terminal: desktop.is_some_and(|app| app.boolean("Terminal")),
        })
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_cached_key(|app| glib::CollationKey::from(app.name.to_lowercase()));
    found
}

/// The command of a desktop entry with only the codes that a profile knows.
fn without_codes(line: &str) -> Option<String> {
    let known = |argument: &String| match argument.strip_prefix('%') {
        Some(code) => matches!(code, "f" | "F" | "u" | "U"),
        None => true,
    };
    let arguments: Vec<_> = command::parse(line)?.into_iter().filter(known).collect();
    Some(command::quote(&arguments))
}

/// Makes the rows.
pub(super) fn factory() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        let Some(app) = item.item().and_downcast::<AppItem>() else { return };
        let icon = gtk::Image::builder().pixel_size(32).build();
        decorative(&icon);
        match app.icon().and_then(|icon| gio::Icon::for_string(&icon).ok()) {
            Some(gicon) => icon.set_from_gicon(&gicon),
            None => icon.set_icon_name(Some(crate::icon::FALLBACK)),
        }
        let name = gtk::Label::builder()
            .label(app.name())
            .xalign(0.0)
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .build();
        let row = gtk::Box::new(gtk::Orientation::Horizontal, 12);
        row.append(&icon);
        row.append(&name);
        item.set_child(Some(&row));
    });
    factory
}

#[cfg(test)]
mod tests {
    use super::without_codes;

    #[test]
    fn only_codes_for_files_stay() {
        assert_eq!(
            without_codes("vlc --started-from-file %U").as_deref(),
            Some("vlc --started-from-file %U")
        );
        assert_eq!(without_codes("x %i -caption %c %f").as_deref(), Some("x -caption %f"));
        assert_eq!(without_codes("x 'open"), None);
    }
}
