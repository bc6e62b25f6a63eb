//! The sandboxes that run, whoever launched them, and what each uses.
//!
//! ```text
//! RunningPage
//! ├── header bar
//! └── stack: a row for each, or that there is none
//! ```
//!
//! What is shown is read in a thread each second while the page is on the screen.

use crate::i18n::{say, tr};
use crate::model::running::{self, Seen};
use crate::model::size;
use crate::ticker;
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

/// A row, and what it shows.
#[derive(Debug)]
struct Row {
    seen: Seen,
    row: adw::ActionRow,
    memory: gtk::Label,
    processor: gtk::Label,
}

mod imp {
    use super::Row;
    use crate::header::Header;
    use gtk::glib;
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;
    use std::cell::{Cell, RefCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "running_page.ui")]
    pub(crate) struct RunningPage {
        #[template_child]
        pub(super) header: TemplateChild<Header>,
        #[template_child]
        pub(super) stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub(super) list: TemplateChild<gtk::ListBox>,
        pub(super) rows: RefCell<Vec<Row>>,
        /// Whether it is being looked; a slow look is not overtaken by the next.
        pub(super) looking: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RunningPage {
        const NAME: &'static str = "ArkoseRunningPage";
        type Type = super::RunningPage;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            Header::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for RunningPage {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for RunningPage {}
    impl BoxImpl for RunningPage {}
}

glib::wrapper! {
    /// The page of all that runs.
    pub(crate) struct RunningPage(ObjectSubclass<imp::RunningPage>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Default for RunningPage {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl RunningPage {
    fn set_up(&self) {
        let imp = self.imp();
        imp.header.set_title(&tr(N_("Running Apps")));
        imp.list.connect_row_activated(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_, row| page.open(row.index())
        ));
        let page = self.downgrade();
        ticker::while_shown(self, move || {
            if let Some(page) = page.upgrade() {
                page.look();
            }
        });
    }

    /// Whether the window shows the page alone and needs a way back to the list.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.imp().header.set_alone(alone);
    }

    fn look(&self) {
        if self.imp().looking.replace(true) {
            return;
        }
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let seen = gio::spawn_blocking(running::all).await.unwrap_or_default();
            if let Some(page) = page.upgrade() {
                page.imp().looking.set(false);
                page.show(seen);
            }
        });
    }

    /// Draws what runs. Rows stay where they are; what is new comes last.
    fn show(&self, all: Vec<Seen>) {
        let imp = self.imp();
        imp.rows.borrow_mut().retain(|row| {
            let runs = all.iter().any(|seen| seen.id == row.seen.id);
            if !runs {
                imp.list.remove(&row.row);
            }
            runs
        });
        imp.stack.set_visible_child_name(if all.is_empty() { "none" } else { "list" });
        for seen in all {
            let mut rows = imp.rows.borrow_mut();
            match rows.iter_mut().find(|row| row.seen.id == seen.id) {
                Some(row) => row.show(seen),
                None => {
                    let row = Row::new(seen);
                    imp.list.append(&row.row);
                    rows.push(row);
                }
            }
        }
    }

    fn open(&self, at: i32) {
        let rows = self.imp().rows.borrow();
        let row = usize::try_from(at).ok().and_then(|at| rows.get(at));
        if let (Some(row), Some(window)) = (row, self.root().and_downcast::<Window>()) {
            window.open_sandbox(&row.seen);
        }
    }
}

impl Row {
    fn new(seen: Seen) -> Self {
        let row = adw::ActionRow::new();
        row.set_use_markup(false);
        row.set_title(&seen.name);
        row.set_activatable(true);
        row.set_tooltip_text(Some(&format!("{}\n{}", seen.id, seen.command)));
        let number = || gtk::Label::builder().xalign(1.0).css_classes(["numeric"]).build();
        let (memory, processor) = (number(), number());
        processor.add_css_class("caption");
        processor.add_css_class("explanation");
        let numbers = gtk::Box::new(gtk::Orientation::Vertical, 2);
        numbers.set_valign(gtk::Align::Center);
        numbers.append(&memory);
        numbers.append(&processor);
        row.add_suffix(&numbers);
        let arrow = gtk::Image::from_icon_name("go-next-symbolic");
        crate::accessible::decorative(&arrow);
        row.add_suffix(&arrow);
        let mut made = Self { seen: seen.clone(), row, memory, processor };
        made.show(seen);
        made
    }

    fn show(&mut self, now: Seen) {
        self.memory.set_label(&memory(&now));
        self.processor.set_label(&processor(&self.seen, &now));
        self.row.set_subtitle(&about(&now));
        self.seen = now;
    }
}

/// How long it has run, and what keeps it in.
fn about(seen: &Seen) -> String {
    let time = running::clock(seen.elapsed);
    format!("{} · {}", say(N_("Running for {time}"), &[("time", &time)]), walls(seen))
}

/// What keeps it in, and who has built that.
pub(crate) fn walls(seen: &Seen) -> String {
    tr(match (seen.light, seen.by_root) {
        (true, _) => N_("light walls"),
        (false, true) => N_("full walls, built by root"),
        (false, false) => N_("full walls, built without root"),
    })
}

/// How much memory it takes.
pub(crate) fn memory(seen: &Seen) -> String {
    size::shown(u32::try_from(seen.memory.div_ceil(1 << 20)).unwrap_or(size::LARGEST))
}

/// How much of a processor it takes.
fn processor(before: &Seen, now: &Seen) -> String {
    // xgettext:no-c-format
    say(N_("{share} % processor"), &[("share", &running::share(before, now).to_string())])
}
