//! The button that adds an entry to a list: typed, or chosen in a file chooser.
//!
//! ```text
//! AddButton
//! └── popover: entry, “Add”, “Choose Folder…”, “Choose File…”
//! ```

use crate::accessible::{button as text_button, named};
use crate::i18n::{say, tr};
use crate::model::home_relative;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use arkose_profile::{Layer, Value};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};
use std::cell::Cell;
use std::rc::Rc;

/// The ways in which an entry can be given, beside typing it.
pub(super) struct Ways {
    /// What an entry looks like.
    pub(super) placeholder: &'static str,
    /// The label of the button that chooses a folder.
    pub(super) folder: Option<&'static str>,
    /// The label of the button that chooses a file.
    pub(super) file: Option<&'static str>,
    /// Where the chooser begins; the home directory when not given.
    pub(super) start: Option<&'static str>,
}

mod imp {
    use adw::prelude::*;
    use gtk::glib;
    use gtk::subclass::prelude::*;
    use std::cell::{OnceCell, RefCell};

    #[derive(Default)]
    pub(crate) struct AddButton {
        pub(super) button: OnceCell<gtk::Button>,
        pub(super) popover: gtk::Popover,
        /// Lives as long as it is open.
        pub(super) chooser: RefCell<Option<gtk::FileChooserNative>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AddButton {
        const NAME: &'static str = "ArkoseAddButton";
        type Type = super::AddButton;
        type ParentType = gtk::Widget;

        fn class_init(class: &mut Self::Class) {
            class.set_layout_manager_type::<gtk::BinLayout>();
        }
    }

    impl ObjectImpl for AddButton {
        fn constructed(&self) {
            self.parent_constructed();
            self.popover.set_parent(&*self.obj());
        }

        fn dispose(&self) {
            self.popover.unparent();
            if let Some(button) = self.button.get() {
                button.unparent();
            }
        }
    }

    impl WidgetImpl for AddButton {
        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            self.parent_size_allocate(width, height, baseline);
            self.popover.present();
        }
    }
}

glib::wrapper! {
    /// A round button with a plus.
    pub(crate) struct AddButton(ObjectSubclass<imp::AddButton>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl AddButton {
    /// A button that adds to a list option; `added` gets each new entry.
    pub(super) fn new(option: &'static Opt, ways: &Ways, added: impl Fn(String) + 'static) -> Self {
        let this: Self = glib::Object::new();
        let imp = this.imp();
        let name = say(N_("Add to {option}"), &[("option", &tr(option.title))]);
        let button: gtk::Button = named(&name);
        button.set_icon_name("list-add-symbolic");
        button.set_css_classes(&["flat", "circular"]);
        button.set_tooltip_text(Some(&name));
        button.set_parent(&this);
        button.connect_clicked(glib::clone!(
            #[weak]
            this,
            move |_| this.open()
        ));
        // It is set once, here.
        let _ = imp.button.set(button);
        let added = Rc::new(added);
        let column = gtk::Box::new(gtk::Orientation::Vertical, 6);
        column.append(&this.typing(option, &name, ways.placeholder, added.clone()));
        let choices = [
            (ways.folder, gtk::FileChooserAction::SelectFolder),
            (ways.file, gtk::FileChooserAction::Open),
        ];
        for (label, action) in choices {
            let Some(label) = label else { continue };
            let button = text_button(&tr(label));
            button.add_css_class("flat");
            let (start, added, name) = (ways.start, added.clone(), name.clone());
            button.connect_clicked(glib::clone!(
                #[weak]
                this,
                move |_| this.choose(&name, action, start, added.clone())
            ));
            column.append(&button);
        }
        imp.popover.set_child(Some(&column));
        this
    }

    /// Opens the popover.
    pub(super) fn open(&self) {
        // The page scrolls to what has the focus; a popover needs its button on the screen.
        if let Some(button) = self.imp().button.get() {
            button.grab_focus();
        }
        let frames = Cell::new(0);
        self.add_tick_callback(move |this, _| {
            frames.set(frames.get() + 1);
            // Scrolling takes a moment; a button that is never seen opens its popover all the same.
            if frames.get() < 60 && !this.is_seen() {
                return glib::ControlFlow::Continue;
            }
            this.imp().popover.popup();
            glib::ControlFlow::Break
        });
    }

    /// Whether the button is within its window.
    fn is_seen(&self) -> bool {
        let Some(root) = self.root() else { return false };
        let Some(bounds) = self.compute_bounds(&root) else { return false };
        #[allow(clippy::cast_precision_loss, reason = "a window is small")]
        let height = root.height() as f32;
        bounds.y() >= 0.0 && bounds.y() + bounds.height() <= height
    }

    /// An entry to type in, checked at every letter.
    fn typing(
        &self,
        option: &'static Opt,
        name: &str,
        placeholder: &str,
        added: Rc<impl Fn(String) + 'static>,
    ) -> gtk::Box {
        let entry: gtk::Entry = named(name);
        entry.set_placeholder_text(Some(placeholder));
        entry.set_hexpand(true);
        entry.set_width_chars(24);
        let add = text_button(&tr(N_("_Add")));
        add.set_sensitive(false);
        let problem = gtk::Label::builder()
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::WordChar)
            .max_width_chars(36)
            .visible(false)
            .css_classes(["caption", "error"])
            .build();
        entry.connect_changed(glib::clone!(
            #[weak]
            add,
            #[weak]
            problem,
            move |entry| {
                let text = entry.text();
                let text = text.trim();
                let wrong = flaw(option, text).filter(|_| !text.is_empty());
                add.set_sensitive(!text.is_empty() && wrong.is_none());
                problem.set_visible(wrong.is_some());
                problem.set_label(&wrong.unwrap_or_default());
            }
        ));
        entry.connect_activate(glib::clone!(
            #[weak]
            add,
            move |_| {
                if add.is_sensitive() {
                    add.emit_clicked();
                }
            }
        ));
        add.connect_clicked(glib::clone!(
            #[weak(rename_to = this)]
            self,
            #[weak]
            entry,
            move |_| {
                let text = entry.text().trim().to_owned();
                if !text.is_empty() {
                    this.imp().popover.popdown();
                    entry.set_text("");
                    added(text);
                }
            }
        ));
        let line = gtk::Box::new(gtk::Orientation::Horizontal, 6);
        line.append(&entry);
        line.append(&add);
        let column = gtk::Box::new(gtk::Orientation::Vertical, 6);
        column.append(&line);
        column.append(&problem);
        column
    }

    fn choose(
        &self,
        title: &str,
        action: gtk::FileChooserAction,
        start: Option<&str>,
        added: Rc<impl Fn(String) + 'static>,
    ) {
        self.imp().popover.popdown();
        let window = self.root().and_downcast::<gtk::Window>();
        let chooser = gtk::FileChooserNative::new(
            Some(title),
            window.as_ref(),
            action,
            Some(&tr(N_("_Add"))),
            None,
        );
        chooser.set_modal(true);
        let start = start.map_or_else(glib::home_dir, Into::into);
        // The chooser opens somewhere in any case.
        let _ = chooser.set_current_folder(Some(&gio::File::for_path(start)));
        chooser.connect_response(glib::clone!(
            #[weak(rename_to = this)]
            self,
            move |chooser, response| {
                if response == gtk::ResponseType::Accept {
                    let path = chooser.file().and_then(|file| file.path());
                    if let Some(path) =
                        path.and_then(|path| home_relative(&path, &glib::home_dir()))
                    {
                        added(path);
                    }
                }
                this.imp().chooser.take();
            }
        ));
        chooser.show();
        self.imp().chooser.replace(Some(chooser));
    }
}

/// Why an option does not take an entry; nothing when it does.
fn flaw(option: &Opt, entry: &str) -> Option<String> {
    let taken = Layer::launch().set(option.key, Value::List(vec![entry.to_owned()]));
    taken.err().map(|errors| errors.translated(&tr))
}
