//! A profile whose file is wrong: where, why, and the ways out.
//!
//! ```text
//! BrokenPage
//! ├── header bar
//! └── FILE:LINE:COLUMN: sentence; “Open File”, “Reset Profile”
//! ```

use crate::i18n::tr;
use crate::library::{self, Trouble};
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::{Context, Store};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

mod imp {
    use crate::header::Header;
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::glib;
    use std::cell::RefCell;
    use std::path::PathBuf;

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "broken_page.ui")]
    pub(crate) struct BrokenPage {
        #[template_child]
        pub(super) header: TemplateChild<Header>,
        #[template_child]
        pub(super) text: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) open_file: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) reset: TemplateChild<gtk::Button>,
        pub(super) id: RefCell<String>,
        pub(super) file: RefCell<PathBuf>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for BrokenPage {
        const NAME: &'static str = "ArkoseBrokenPage";
        type Type = super::BrokenPage;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            Header::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for BrokenPage {
        fn constructed(&self) {
            self.parent_constructed();
            let page = self.obj();
            self.open_file.connect_clicked(glib::clone!(
                #[weak]
                page,
                move |_| page.open_file()
            ));
            self.reset.connect_clicked(glib::clone!(
                #[weak]
                page,
                move |_| page.reset()
            ));
        }
    }

    impl WidgetImpl for BrokenPage {}
    impl BoxImpl for BrokenPage {}
}

glib::wrapper! {
    /// The page of a profile that cannot be read.
    pub(crate) struct BrokenPage(ObjectSubclass<imp::BrokenPage>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Default for BrokenPage {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl BrokenPage {
    /// Whether the window shows the page alone and needs a way back to the list.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.imp().header.set_alone(alone);
    }

    /// Shows what is wrong with a profile: `id` where it has one, `name` in any case.
    pub(crate) fn show_trouble(&self, id: Option<&str>, name: &str, trouble: &Trouble) {
        let imp = self.imp();
        let shown = arkose_profile::text::visible(name.as_bytes());
        imp.header.set_title(&shown);
        let text = match trouble.cause.as_str() {
            "" => trouble.sentence.clone(),
            cause => format!("{}\n{cause}", trouble.sentence),
        };
        imp.text.set_label(&text);
        imp.id.replace(id.unwrap_or_default().to_owned());
        let own = id.and_then(|id| Some(Store::of(&Context::current().ok()?).user_override(id)));
        let own_exists = own.as_ref().is_some_and(|file| file.exists());
        imp.reset.set_visible(own_exists);
        let file = trouble.file.clone().unwrap_or_default();
        imp.open_file.set_visible(file.exists());
        imp.file.replace(file);
    }

    fn open_file(&self) {
        let file = gio::File::for_path(&*self.imp().file.borrow());
        let window = self.root().and_downcast::<Window>();
        let opening =
            gio::AppInfo::launch_default_for_uri_future(&file.uri(), gio::AppLaunchContext::NONE);
        glib::spawn_future_local(async move {
            if let (Err(error), Some(window)) = (opening.await, window) {
                window.toast(error.message());
            }
        });
    }

    fn reset(&self) {
        let Some(window) = self.root().and_downcast::<Window>() else { return };
        let id = self.imp().id.borrow().clone();
        glib::spawn_future_local(async move {
            let backup = match library::reset(id.clone()).await {
                Ok(backup) => backup,
                Err(trouble) => return window.tell(&trouble),
            };
            window.profile_written(id.clone().into()).await;
            let reread = window.downgrade();
            window.wrote(id.clone().into(), &tr(N_("Profile reset")), backup, move || {
                if let Some(window) = reread.upgrade() {
                    window.open_profile(id.clone().into());
                }
            });
        });
    }
}
