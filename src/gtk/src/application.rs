//! The application: its one process, its actions and keys, and the sandboxes started from it.
//!
//! A second `arkose-gtk` hands its command line to the first. The process stays as long as an app
//! runs that was started from it, with or without a window: it follows those apps.

mod command_line;

use crate::config;
use crate::model::Request;
use crate::sandbox::Sandbox;
use crate::window::Window;
use adw::prelude::*;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

mod imp {
    use super::*;
    use adw::subclass::prelude::*;
    use std::cell::RefCell;

    #[derive(Default)]
    pub(crate) struct Application {
        /// What runs now.
        pub(super) sandboxes: RefCell<Vec<Sandbox>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "ArkoseApplication";
        type Type = super::Application;
        type ParentType = adw::Application;
    }

    impl ObjectImpl for Application {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().add_options();
        }
    }

    impl ApplicationImpl for Application {
        fn startup(&self) {
            self.parent_startup();
            crate::set_up_display();
            self.obj().add_actions();
        }

        fn activate(&self) {
            self.obj().main_window().present();
        }

        fn command_line(&self, line: &gio::ApplicationCommandLine) -> glib::ExitCode {
            self.obj().obey(line)
        }
    }

    impl GtkApplicationImpl for Application {}
    impl AdwApplicationImpl for Application {}
}

glib::wrapper! {
    /// The application.
    pub(crate) struct Application(ObjectSubclass<imp::Application>)
        @extends adw::Application, gtk::Application, gio::Application,
        @implements gio::ActionGroup, gio::ActionMap;
}

impl Default for Application {
    fn default() -> Self {
        glib::Object::builder()
            .property("application-id", config::APP_ID)
            .property("flags", gio::ApplicationFlags::HANDLES_COMMAND_LINE)
            .build()
    }
}

impl Application {
    /// The main window; made when there is none.
    pub(crate) fn main_window(&self) -> Window {
        let open = self.windows().into_iter().find_map(|window| window.downcast::<Window>().ok());
        open.unwrap_or_else(|| Window::new(self))
    }

    /// Starts a profile. The process stays until the app ends.
    pub(crate) fn launch(&self, request: &Request, name: &str) -> Sandbox {
        let sandbox = Sandbox::start(request, name);
        self.imp().sandboxes.borrow_mut().push(sandbox.clone());
        let hold = std::cell::RefCell::new(Some(self.hold()));
        sandbox.connect_state_notify(glib::clone!(
            #[weak(rename_to = app)]
            self,
            move |sandbox| {
                if !sandbox.state().is_alive() {
                    app.imp().sandboxes.borrow_mut().retain(|other| other != sandbox);
                    hold.take();
                }
                app.tell_windows();
            }
        ));
        self.tell_windows();
        sandbox
    }

    /// What runs from a profile now.
    pub(crate) fn sandboxes_of(&self, profile: &str) -> Vec<Sandbox> {
        let all = self.imp().sandboxes.borrow();
        all.iter().filter(|sandbox| sandbox.profile() == profile).cloned().collect()
    }

    fn tell_windows(&self) {
        for window in self.windows() {
            if let Ok(window) = window.downcast::<Window>() {
                window.show_sandboxes();
            }
        }
    }

    fn add_actions(&self) {
        let quit = gio::ActionEntry::builder("quit").activate(|app: &Self, _, _| {
            // Apps that run go on; the process ends with the last of them.
            for window in app.windows() {
                window.close();
            }
        });
        let about = gio::ActionEntry::builder("about").activate(|app: &Self, _, _| app.about());
        self.add_action_entries([quit.build(), about.build()]);
        for (action, keys) in [
            ("app.quit", &["<Control>q"][..]),
            ("window.close", &["<Control>w"]),
            ("win.new-profile", &["<Control>n"]),
            ("win.running", &["<Control>r"]),
            ("win.search", &["<Control>f"]),
            ("win.shortcuts", &["F1", "<Control>question"]),
            ("page.launch", &["<Control>Return", "<Control>KP_Enter"]),
            ("page.undo", &["<Control>z"]),
            ("page.save", &["<Control>s"]),
        ] {
            self.set_accels_for_action(action, keys);
        }
    }

    fn about(&self) {
        let about = adw::AboutWindow::builder()
            .application_name("Arkose")
            .application_icon(config::APP_ID)
            .version(config::VERSION)
            .license_type(gtk::License::Gpl30)
            .comments(gettextrs::gettext("Runs apps with only the access that you give them."))
            .modal(true)
            .build();
        about.set_transient_for(self.active_window().as_ref());
        about.present();
    }
}
