//! What a launcher opens: the app, what it will reach, and the question whether to start it.
//!
//! ```text
//! LaunchWindow
//! ├── icon, name, what is to be opened, level, what the app can
//! ├── why it could not be launched, and what mends it
//! └── “Don’t ask next time”, “Tweak”, “Launch”
//! ```
//!
//! A profile that the user said not to ask about is launched without the window, which then
//! shows itself only when that fails.

use crate::application::Application;
use crate::i18n::{say, sentence_case, tr};
use crate::library::{self, Trouble};
use crate::model::{Failure, Remembered, Request, fingerprint, shipped, with_files};
use crate::sandbox::{Sandbox, State};
use crate::{failure, icon, summary};
use adw::prelude::*;
use arkose_admin::explain;
use arkose_profile::explain::Explanation;
use arkose_profile::i18n::N_;
use arkose_profile::text::visible;
use arkose_profile::{Context, Layer, Profile};
use gtk::glib::subclass::prelude::*;
use gtk::{gdk, gio, glib};
use std::ffi::OsString;

mod imp {
    use adw::subclass::prelude::*;
    use gtk::glib;
    use std::cell::{OnceCell, RefCell};
    use std::ffi::OsString;

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "launch_window.ui")]
    pub(crate) struct LaunchWindow {
        #[template_child]
        pub(super) icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) name: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) what: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) level_icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) level: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) gist: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) lines: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) notes: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) problem: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) more: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) remember: TemplateChild<gtk::CheckButton>,
        #[template_child]
        pub(super) tweak: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) launch: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub(super) launch_label: TemplateChild<gtk::Label>,
        pub(super) profile: OnceCell<OsString>,
        pub(super) files: OnceCell<Vec<OsString>>,
        /// What the profile allows, as the user sees it here.
        pub(super) fingerprint: RefCell<Option<String>>,
        pub(super) sandbox: RefCell<Option<super::Sandbox>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LaunchWindow {
        const NAME: &'static str = "ArkoseLaunchWindow";
        type Type = super::LaunchWindow;
        type ParentType = adw::ApplicationWindow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            crate::escape_does(class, "window.close");
            class.add_binding_action(
                super::gdk::Key::Return,
                super::gdk::ModifierType::CONTROL_MASK,
                "default.activate",
            );
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for LaunchWindow {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for LaunchWindow {}
    impl WindowImpl for LaunchWindow {
        fn close_request(&self) -> glib::Propagation {
            self.obj().give_up();
            self.parent_close_request()
        }
    }
    impl ApplicationWindowImpl for LaunchWindow {}
    impl AdwApplicationWindowImpl for LaunchWindow {}
}

glib::wrapper! {
    /// The window of a launcher.
    pub(crate) struct LaunchWindow(ObjectSubclass<imp::LaunchWindow>)
        @extends adw::ApplicationWindow, gtk::ApplicationWindow, gtk::Window, gtk::Widget,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Buildable,
            gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

/// What there is to know before the window can be shown.
enum Known {
    /// It can be launched; whether without asking.
    Ready {
        profile: Profile,
        explanation: Explanation,
        fingerprint: Option<String>,
        directly: bool,
    },
    /// It is there and cannot be launched as it is.
    Impossible { profile: Profile, trouble: Trouble },
    /// It cannot be had.
    Missing(Trouble),
}

impl LaunchWindow {
    /// Asks about a profile, or launches it when it need not be asked about.
    pub(crate) fn open(app: &Application, profile: OsString, files: Vec<OsString>) {
        let app = app.clone();
        // Nothing else keeps the process until there is a window or a sandbox.
        let hold = app.hold();
        glib::spawn_future_local(async move {
            let known = find_out(profile.clone(), &files).await;
            let window: Self = glib::Object::builder().property("application", &app).build();
            // Both are set once, here.
            let _ = window.imp().profile.set(profile);
            let _ = window.imp().files.set(files);
            let directly = matches!(known, Known::Ready { directly: true, .. });
            window.show_known(known);
            if directly {
                window.launch();
            } else {
                window.present();
            }
            drop(hold);
        });
    }

    fn set_up(&self) {
        let imp = self.imp();
        imp.launch.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.launch()
        ));
        imp.tweak.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.tweak()
        ));
    }

    fn show_known(&self, known: Known) {
        let imp = self.imp();
        match known {
            Known::Ready { profile, explanation, fingerprint, .. } => {
                self.show_profile(&profile);
                let level = explanation.level;
                imp.level_icon.set_icon_name(Some(summary::icon(level)));
                imp.level_icon.set_css_classes(&[summary::class(level)]);
                imp.level.set_label(&sentence_case(&tr(level.title())));
                imp.gist.set_label(&summary::gist(&explanation));
                for line in summary::reached(&explanation) {
                    imp.lines.append(&summary::row(line));
                }
                imp.lines.set_visible(imp.lines.first_child().is_some());
                let notes: Vec<_> = profile.notes.iter().map(|note| note.translated(&tr)).collect();
                imp.notes.set_label(&notes.join("\n"));
                imp.notes.set_visible(!notes.is_empty());
                imp.fingerprint.replace(fingerprint);
                imp.launch.grab_focus();
            }
            Known::Impossible { profile, trouble } => {
                self.show_profile(&profile);
                self.show_problem(&trouble);
            }
            Known::Missing(trouble) => {
                let name = imp.profile.get().map(|profile| profile.to_string_lossy().into_owned());
                self.show_name(&name.unwrap_or_default(), None);
                self.show_problem(&trouble);
                imp.tweak.set_sensitive(false);
            }
        }
    }

    fn show_profile(&self, profile: &Profile) {
        self.show_name(&shipped::name(profile, &tr), profile.app().as_deref());
        let files = self.imp().files.get().map(Vec::as_slice).unwrap_or_default();
        let what = match crate::model::file_names(files) {
            Some(names) => say(N_("Opens {files}"), &[("files", &names)]),
            None => visible(shipped::summary(profile, &tr).as_bytes()),
        };
        self.imp().what.set_label(&what);
        self.imp().what.set_visible(!what.is_empty());
    }

    fn show_name(&self, name: &str, app: Option<&str>) {
        let imp = self.imp();
        let name = visible(name.as_bytes());
        self.set_title(Some(&name));
        imp.what.set_visible(false);
        imp.name.set_label(&name);
        icon::show(&imp.icon, app);
    }

    fn show_problem(&self, trouble: &Trouble) {
        let imp = self.imp();
        imp.problem.set_label(&trouble.sentence);
        imp.problem.set_visible(true);
        imp.lines.set_visible(false);
        imp.gist.set_visible(false);
        imp.level.set_label(&tr(N_("Cannot Be Launched")));
        imp.level_icon.set_icon_name(Some("dialog-warning-symbolic"));
        imp.launch.set_sensitive(false);
        imp.remember.set_sensitive(false);
    }

    fn launch(&self) {
        let imp = self.imp();
        let app = self.application().and_downcast::<Application>();
        let (Some(app), Some(profile), Some(files)) = (app, imp.profile.get(), imp.files.get())
        else {
            return;
        };
        if imp.remember.is_active() {
            self.remember(profile);
        }
        let request =
            Request { profile: profile.clone(), changes: Layer::launch(), files: files.clone() };
        let sandbox = app.launch(&request, &imp.name.label());
        self.follow(&sandbox);
        sandbox.connect_state_notify(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |sandbox| window.follow(sandbox)
        ));
        imp.sandbox.replace(Some(sandbox));
    }

    fn follow(&self, sandbox: &Sandbox) {
        let imp = self.imp();
        let starting = sandbox.state() == State::Starting;
        imp.spinner.set_visible(starting);
        imp.spinner.set_spinning(starting);
        imp.launch_label.set_label(&tr(if starting { N_("Starting…") } else { N_("_Launch") }));
        for button in [&imp.launch, &imp.tweak] {
            button.set_sensitive(!starting);
        }
        match sandbox.state() {
            State::Starting => imp.problem.set_visible(false),
            State::Failed => {
                imp.sandbox.take();
                self.show_failure(&sandbox.failure().unwrap_or_default());
                self.present();
            }
            State::Running | State::Stopping | State::Ended => {
                imp.sandbox.take();
                self.destroy();
            }
        }
    }

    fn show_failure(&self, failed: &Failure) {
        let imp = self.imp();
        imp.problem.set_label(&failed.message);
        imp.problem.set_visible(true);
        imp.more.set_child(Some(&failure::more(failed)));
        // As high as it has to be now.
        self.set_default_size(self.default_size().0, -1);
    }

    fn tweak(&self) {
        let imp = self.imp();
        let app = self.application().and_downcast::<Application>();
        if let (Some(app), Some(profile)) = (app, imp.profile.get()) {
            let window = app.main_window();
            window.open_with_files(profile.clone(), imp.files.get().cloned().unwrap_or_default());
            window.present();
            self.close();
        }
    }

    /// The window was closed: what is still being started is not wanted any more.
    fn give_up(&self) {
        if let Some(sandbox) = self.imp().sandbox.take() {
            sandbox.stop();
        }
    }

    fn remember(&self, profile: &OsString) {
        let Some(fingerprint) = self.imp().fingerprint.borrow().clone() else { return };
        let profile = profile.to_string_lossy().into_owned();
        glib::spawn_future_local(async move {
            let write = move || Remembered::open().launch_directly(&profile, &fingerprint);
            // Not remembering it costs one more question.
            if let Ok(Err(error)) = gio::spawn_blocking(write).await {
                glib::g_warning!("arkose", "{error}");
            }
        });
    }
}

async fn find_out(name: OsString, files: &[OsString]) -> Known {
    let profile = match library::load(name.clone()).await {
        Ok(profile) => profile,
        Err(trouble) => return Known::Missing(trouble),
    };
    let context = match Context::current() {
        Ok(context) => context,
        Err(error) => {
            return Known::Impossible { profile, trouble: error.0.translated(&tr).into() };
        }
    };
    let policy = match profile.policy(&context) {
        Ok(policy) => policy,
        Err(errors) => {
            return Known::Impossible { profile, trouble: errors.translated(&tr).into() };
        }
    };
    if profile.command().is_empty() {
        let sentence = tr(N_("This profile names no program to launch."));
        return Known::Impossible { profile, trouble: sentence.into() };
    }
    // What is remembered is about the profile, whatever it opens this time.
    let fingerprint = fingerprint(&policy);
    let policy = with_files(policy, &context, files);
    let explanation = explain(&profile, &policy, &context, &tr);
    let (name, known) = (name.to_string_lossy().into_owned(), fingerprint.clone());
    let remembered = gio::spawn_blocking(move || {
        known.is_some_and(|known| Remembered::open().launches_directly(&name, &known))
    });
    let directly = remembered.await.unwrap_or(false);
    Known::Ready { profile, explanation, fingerprint, directly }
}
