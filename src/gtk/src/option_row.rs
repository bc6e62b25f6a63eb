//! One option on the profile page: what it is, its value, where the value comes from.
//!
//! ```text
//! OptionRow
//! ├── title, explanation, problem, ● where the value comes from
//! ├── reset button
//! ├── suffix: a short control (switch, drop-down, add button)
//! └── below: a wide control (entry, list of entries)
//! ```
//!
//! The row draws any option of the option table; the controls are in [`control`] and its
//! neighbours. It holds no state: [`OptionRow::show`] draws what the draft says, and what the
//! user does is reported through the two callbacks.

mod add_button;
mod choice;
mod control;
mod devices;
mod entry_list;
mod line;
mod list;
mod named_switches;
mod presets;
mod spin;
mod switch;
mod words;

pub(crate) use control::Edit;

use crate::accessible::named;
use crate::i18n::{say, sentence_case, tr};
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::options::Opt;
use arkose_profile::{Origin, Value};
use gtk::glib;
use gtk::glib::subclass::prelude::*;
use std::rc::Rc;

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowState {
    /// The effective value.
    pub(crate) value: Value,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Whether there is something to go back to.
    pub(crate) resettable: bool,
    /// Why it cannot be enforced as it is.
    pub(crate) problem: Option<String>,
}

mod imp {
    use super::{Opt, control::Control};
    use adw::subclass::prelude::*;
    use gtk::glib;
    use std::cell::{OnceCell, RefCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "option_row.ui")]
    pub(crate) struct OptionRow {
        #[template_child]
        pub(super) title: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) subtitle: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) problem: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) beside_title: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) below_words: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) origin: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) dot: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) place: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) reset: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) suffix: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) below: TemplateChild<adw::Bin>,
        pub(super) option: OnceCell<&'static Opt>,
        pub(super) control: OnceCell<Box<dyn Control>>,
        pub(super) shown: RefCell<Option<super::RowState>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for OptionRow {
        const NAME: &'static str = "ArkoseOptionRow";
        type Type = super::OptionRow;
        type ParentType = gtk::ListBoxRow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for OptionRow {}
    impl WidgetImpl for OptionRow {}
    impl ListBoxRowImpl for OptionRow {}
}

glib::wrapper! {
    /// A row for one entry of the option table.
    pub(crate) struct OptionRow(ObjectSubclass<imp::OptionRow>)
        @extends gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl OptionRow {
    /// A row for `option`; `edited` hears of every value the user chooses, `reset` of the wish to go back.
    pub(crate) fn new(
        option: &'static Opt,
        edited: impl Fn(&'static Opt, Edit) + 'static,
        reset: impl Fn(&'static Opt) + 'static,
    ) -> Self {
        let row: Self = glib::Object::new();
        let imp = row.imp();
        let title = tr(option.title);
        imp.title.set_label(&title);
        imp.subtitle.set_label(&tr(option.summary));
        row.set_tooltip_text(Some(&format!("{}\n{}", option.key, tr(option.summary))));
        let name = say(N_("Reset {option}"), &[("option", &title)]);
        let button: gtk::Button = named(&name);
        button.set_icon_name("edit-undo-symbolic");
        button.set_css_classes(&["flat", "circular"]);
        button.connect_clicked(move |_| reset(option));
        imp.reset.set_child(Some(&button));
        let report = Rc::new(move |edit| edited(option, edit));
        let (control, place) = control::new(option, report);
        match place {
            control::Position::Suffix(widget) => imp.suffix.set_child(Some(&widget)),
            control::Position::Below(widget) => {
                row.set_below(&widget);
                row.make_compact();
            }
            control::Position::Under(widget) => row.set_below(&widget),
            control::Position::Both(suffix, below) => {
                imp.suffix.set_child(Some(&suffix));
                row.set_below(&below);
            }
        }
        // Both are set once, here.
        let _ = imp.option.set(option);
        let _ = imp.control.set(control);
        row
    }

    fn set_below(&self, widget: &gtk::Widget) {
        let below = &self.imp().below;
        below.set_child(Some(widget));
        widget.bind_property("visible", &**below, "visible").sync_create().build();
    }

    /// An entry needs no sentence to be understood: the row says only its name and origin, until
    /// the control has something to say.
    fn make_compact(&self) {
        let imp = self.imp();
        imp.subtitle.set_visible(false);
        imp.suffix.set_visible(false);
        imp.below_words.set_child(gtk::Widget::NONE);
        imp.beside_title.set_child(Some(&*imp.origin));
    }

    /// The option's key.
    pub(crate) fn key(&self) -> &'static str {
        self.imp().option.get().map_or("", |option| option.key)
    }

    /// Draws a state; reports nothing.
    pub(crate) fn show(&self, state: RowState) {
        let imp = self.imp();
        if imp.shown.borrow().as_ref() == Some(&state) {
            return;
        }
        if let Some(control) = imp.control.get() {
            control.show(&state.value);
            if let Some(explanation) = control.explanation(&state.value) {
                imp.subtitle.set_label(&explanation);
                imp.subtitle.set_visible(!explanation.is_empty());
            }
        }
        imp.place.set_label(&sentence_case(&state.origin.title().translated(&tr)));
        imp.dot.set_visible(state.origin == Origin::Launch);
        imp.reset.set_visible(state.resettable);
        let way_back = match state.origin {
            Origin::Launch => N_("Discard this launch change"),
            _ => N_("Remove your setting"),
        };
        imp.reset.set_tooltip_text(Some(&tr(way_back)));
        imp.problem.set_label(state.problem.as_deref().unwrap_or_default());
        imp.problem.set_visible(state.problem.is_some());
        imp.shown.replace(Some(state));
    }

    /// Does what a click on the row means: turns the switch, opens the drop-down, enters the entry.
    pub(crate) fn operate(&self) {
        if let Some(control) = self.imp().control.get() {
            control.operate();
        }
    }

    /// Takes the focus and lights up for a moment.
    pub(crate) fn point_out(&self) {
        self.grab_focus();
        self.add_css_class("pointed-out");
        glib::timeout_add_local_once(
            std::time::Duration::from_millis(1200),
            glib::clone!(
                #[weak(rename_to = row)]
                self,
                move || row.remove_css_class("pointed-out")
            ),
        );
    }
}
