//! The pages of what runs.

use super::Window;
use crate::model::running::Seen;
use crate::running_page::RunningPage;
use crate::sandbox_page::SandboxPage;
use gtk::glib::subclass::prelude::*;

impl Window {
    /// Shows all that runs.
    pub(super) fn show_running(&self) {
        let imp = self.imp();
        imp.running.get_or_init(|| {
            let page = RunningPage::default();
            page.set_alone(imp.leaflet.is_folded());
            imp.content.add_named(&page, Some("running"));
            page
        });
        self.leave_profile();
        imp.content.set_visible_child_name("running");
        imp.leaflet.set_visible_child(&*imp.content);
    }

    /// Shows one of them.
    pub(crate) fn open_sandbox(&self, seen: &Seen) {
        let imp = self.imp();
        let page = imp.sandbox.get_or_init(|| {
            let page = SandboxPage::default();
            page.set_alone(imp.leaflet.is_folded());
            imp.content.add_named(&page, Some("sandbox"));
            page
        });
        page.open(seen);
        imp.content.set_visible_child_name("sandbox");
    }

    fn leave_profile(&self) {
        let imp = self.imp();
        imp.wanted.take();
        imp.list.unselect();
        imp.list.mark_running(true);
    }
}
