//! One question: what is wanted, what exactly was asked for, and the answers.
//!
//! ```text
//! QuestionRow
//! ├── the sentence and an arrow, where there are several questions
//! └── unfolded: what it would mean, “What Exactly Was Asked For”, what the answer is about where that can be
//!     chosen, the answers that allow, the answers that refuse
//! ```

use crate::i18n::tr;
use crate::model::{Question, Scope};
use crate::{accessible, summary, verbatim};
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_profile::options::Risk;
use arkose_session::questions::Decision;
use gtk::glib::subclass::prelude::*;
use gtk::{gdk, glib};
use std::rc::Rc;

/// How high the details can be before they are scrolled, in pixels.
const HIGHEST_DETAILS: i32 = 212;

/// What the style puts at both sides of them.
const DETAILS_PADDING: i32 = 24;

mod imp {
    use gtk::glib;
    use gtk::subclass::prelude::*;
    use std::cell::{Cell, RefCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "question_row.ui")]
    pub(crate) struct QuestionRow {
        #[template_child]
        pub(super) words: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) arrow: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub(super) risk: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) risk_icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) risk_label: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) expander: TemplateChild<gtk::Expander>,
        #[template_child]
        pub(super) details_view: TemplateChild<gtk::ScrolledWindow>,
        #[template_child]
        pub(super) details: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) scopes: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) once: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) launch: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) always: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) never: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) no: TemplateChild<gtk::Button>,
        pub(super) number: Cell<u64>,
        /// The word for each thing that the answer can be about.
        pub(super) offered: RefCell<Vec<String>>,
        /// Their buttons, where there are several.
        pub(super) choices: RefCell<Vec<gtk::CheckButton>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for QuestionRow {
        const NAME: &'static str = "ArkoseQuestionRow";
        type Type = super::QuestionRow;
        type ParentType = gtk::ListBoxRow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for QuestionRow {}
    impl WidgetImpl for QuestionRow {}
    impl ListBoxRowImpl for QuestionRow {}
}

glib::wrapper! {
    /// A question in the prompter's list.
    pub(crate) struct QuestionRow(ObjectSubclass<imp::QuestionRow>)
        @extends gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl QuestionRow {
    /// A folded row; `answered` hears of the button that was pressed and of what the answer is about, `grown`
    /// that the row has become higher or lower.
    pub(crate) fn new(
        question: &Question,
        answered: impl Fn(u64, Decision, Option<&str>) + 'static,
        grown: impl Fn() + 'static,
    ) -> Self {
        let row: Self = glib::Object::new();
        let imp = row.imp();
        let number = question.number;
        imp.number.set(number);
        imp.words.set_label(&question.words);
        verbatim::wrap(&imp.words, gtk::pango::WrapMode::WordChar);
        let consequence = question.risk.and_then(consequence);
        imp.risk.set_visible(consequence.is_some());
        if let (Some(risk), Some(sentence)) = (question.risk, consequence) {
            imp.risk_icon.set_icon_name(Some(summary::icon(risk)));
            imp.risk_icon.set_css_classes(&[summary::class(risk)]);
            imp.risk_label.set_label(&tr(sentence));
        }
        for (label, value) in &question.details {
            imp.details.append(&detail(&tr(label), value));
        }
        imp.expander.connect_expanded_notify(glib::clone!(
            #[weak]
            row,
            move |_| {
                row.fit_details();
                grown();
            }
        ));
        imp.expander.set_visible(!question.details.is_empty());
        for button in [&imp.always, &imp.never] {
            button.set_visible(question.lasting);
        }
        row.offer(&question.scopes);
        let answered = Rc::new(answered);
        for (button, decision) in row.answers() {
            let answered = answered.clone();
            button.connect_clicked(glib::clone!(
                #[weak]
                row,
                move |_| {
                    // A no for this time is about what was asked, and nothing else.
                    let scope = row.chosen().filter(|_| decision != Decision::No);
                    answered(number, decision, scope.as_deref());
                }
            ));
        }
        row
    }

    /// Lets one of these be chosen, of which the first is; where there is no other, it is said and no more.
    fn offer(&self, scopes: &[Scope]) {
        let imp = self.imp();
        let mut buttons: Vec<gtk::CheckButton> = Vec::new();
        for scope in scopes {
            if let [only] = scopes {
                imp.scopes.append(&told(only));
                break;
            }
            let button = choice(scope);
            button.set_group(buttons.first());
            button.set_active(buttons.is_empty());
            imp.scopes.append(&button);
            buttons.push(button);
        }
        imp.scopes.set_visible(!scopes.is_empty());
        imp.scopes.add_controller(arrows(&imp.scopes));
        imp.choices.replace(buttons);
        imp.offered.replace(scopes.iter().map(|scope| scope.word.clone()).collect());
    }

    /// What the answer is about, if it says that.
    fn chosen(&self) -> Option<String> {
        let choices = self.imp().choices.borrow();
        let chosen = choices.iter().position(gtk::CheckButton::is_active).unwrap_or(0);
        self.imp().offered.borrow().get(chosen).cloned()
    }

    fn answers(&self) -> [(&gtk::Button, Decision); 5] {
        let imp = self.imp();
        [
            (&imp.once, Decision::Once),
            (&imp.launch, Decision::Launch),
            (&imp.always, Decision::Always),
            (&imp.never, Decision::Never),
            (&imp.no, Decision::No),
        ]
    }

    /// The number of its question.
    pub(crate) fn number(&self) -> u64 {
        self.imp().number.get()
    }

    /// What the app wants.
    pub(crate) fn words(&self) -> String {
        self.imp().words.label().into()
    }

    /// Looks as the only question, or as one of several.
    pub(crate) fn set_alone(&self, alone: bool) {
        let imp = self.imp();
        imp.arrow.set_visible(!alone);
        // The window's heading says it then.
        imp.words.set_visible(!alone);
        imp.risk.set_halign(if alone { gtk::Align::Center } else { gtk::Align::Start });
        self.set_activatable(!alone);
        self.set_focusable(!alone);
    }

    /// Shows or hides all but the sentence.
    pub(crate) fn unfold(&self, unfolded: bool) {
        let imp = self.imp();
        imp.revealer.set_visible(unfolded);
        imp.revealer.set_reveal_child(unfolded);
        let arrow = if unfolded { "pan-down-symbolic" } else { "pan-end-symbolic" };
        imp.arrow.set_icon_name(Some(arrow));
    }

    /// Whether more than the sentence is shown.
    pub(crate) fn is_unfolded(&self) -> bool {
        self.imp().revealer.reveals_child()
    }

    /// Gives the details the height that they need, within bounds. A list gives its rows no more
    /// than the least, which for what can be scrolled is next to nothing.
    fn fit_details(&self) {
        let imp = self.imp();
        let width = imp.expander.width() - DETAILS_PADDING;
        let (least, ..) = imp.details.measure(gtk::Orientation::Vertical, width.max(-1));
        imp.details_view.set_min_content_height(least.min(HIGHEST_DETAILS));
    }

    /// Whether the buttons can be pressed.
    pub(crate) fn set_answerable(&self, answerable: bool) {
        // Each for itself: a screen reader is not told of what holds them.
        for (button, _) in self.answers() {
            button.set_sensitive(answerable);
        }
    }

    /// Puts the focus on the answer that changes nothing.
    pub(crate) fn focus_on_deny(&self) {
        self.imp().no.grab_focus();
    }
}

/// What it would mean to allow it; nothing where it would mean nothing.
fn consequence(risk: Risk) -> Option<&'static str> {
    match risk {
        Risk::Contained => None,
        Risk::Partial => Some(N_("The app would reach some of what is outside its sandbox.")),
        Risk::Open => Some(N_("The app could act outside its sandbox as you.")),
    }
}

/// A button for what an answer can be about.
fn choice(scope: &Scope) -> gtk::CheckButton {
    let name = format!("{}, {}", scope.words, scope.rule);
    let button: gtk::CheckButton = accessible::named(&name);
    // GTK 4.8 calls it a check box.
    button.set_property("accessible-role", gtk::AccessibleRole::Radio);
    let told = told(scope);
    told.set_margin_start(6);
    button.set_child(Some(&told));
    button
}

/// The arrows that go from one choice to the next; the list of questions would take them for itself.
fn arrows(choices: &gtk::Box) -> gtk::EventControllerKey {
    let keys = gtk::EventControllerKey::new();
    keys.connect_key_pressed(glib::clone!(
        #[weak]
        choices,
        #[upgrade_or]
        glib::Propagation::Proceed,
        move |_, key, _, _| {
            let direction = match key {
                gdk::Key::Up | gdk::Key::KP_Up => gtk::DirectionType::Up,
                gdk::Key::Down | gdk::Key::KP_Down => gtk::DirectionType::Down,
                _ => return glib::Propagation::Proceed,
            };
            choices.child_focus(direction);
            glib::Propagation::Stop
        }
    ));
    keys
}

/// What an answer can be about, and below it the rule that the answer would be.
fn told(scope: &Scope) -> gtk::Box {
    let words = gtk::Label::builder().label(&scope.words).xalign(0.0).wrap(true).build();
    let rule = gtk::Label::builder()
        .label(&scope.rule)
        .xalign(0.0)
        .css_classes(["monospace", "caption", "explanation"])
        .build();
    verbatim::wrap(&rule, gtk::pango::WrapMode::Char);
    let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).hexpand(true).build();
    column.append(&words);
    column.append(&rule);
    column
}

/// A label and below it a value, which can be selected and copied.
fn detail(label: &str, value: &str) -> gtk::Box {
    let label = gtk::Label::builder()
        .label(label)
        .xalign(0.0)
        .wrap(true)
        .css_classes(["caption", "explanation"])
        .build();
    let value = gtk::Label::builder()
        .label(value)
        .xalign(0.0)
        .selectable(true)
        .css_classes(["monospace", "caption"])
        .build();
    verbatim::wrap(&value, gtk::pango::WrapMode::Char);
    let column = gtk::Box::new(gtk::Orientation::Vertical, 0);
    column.append(&label);
    column.append(&value);
    column
}
