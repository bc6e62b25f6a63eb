//! Following profile files that others write: an editor, the command line, a package.

use super::Window;
use arkose_profile::Store;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib, prelude::*};
use std::time::Duration;

/// Writing a file makes several events; it is read once they have ceased for this long.
const CALM: Duration = Duration::from_millis(250);

impl Window {
    /// Watches the directories of profiles from now on.
    pub(super) fn watch(&self) {
        let Ok(store) = Store::open() else { return };
        let monitors = store.dirs().into_iter().filter_map(|dir| {
            let dir = gio::File::for_path(dir);
            dir.monitor_directory(gio::FileMonitorFlags::WATCH_MOVES, gio::Cancellable::NONE).ok()
        });
        let monitors: Vec<_> = monitors.collect();
        for monitor in &monitors {
            monitor.connect_changed(glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |_, _, _, _| window.read_soon()
            ));
        }
        self.imp().monitors.replace(monitors);
    }

    fn read_soon(&self) {
        let window = self.downgrade();
        let reading = glib::timeout_add_local_once(CALM, move || {
            let Some(window) = window.upgrade() else { return };
            window.imp().reading.take();
            glib::spawn_future_local(async move {
                let shown = window.imp().wanted.borrow().clone();
                window.profile_written(shown).await;
            });
        });
        if let Some(before) = self.imp().reading.replace(Some(reading)) {
            before.remove();
        }
    }
}
