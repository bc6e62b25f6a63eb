//! The prompter's window: who asks, and what for.
//!
//! ```text
//! PromptWindow
//! ├── icon, what the app wants; its name, and how many things it wants, where there are several
//! ├── a QuestionRow for each question, of which one is unfolded
//! └── “Deny All” where there are several
//! ```
//!
//! No key and no button allows anything unless it was meant to: nothing that allows is the default,
//! the focus begins at “Deny”, and a [`Guard`] stands before every answer. Closing means no.

use super::guard::Guard;
use super::question_row::QuestionRow;
use crate::i18n::{ngettext, say};
use crate::model::Question;
use crate::{icon, verbatim};
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_session::questions::Decision;
use gtk::glib;
use gtk::glib::subclass::prelude::*;

/// How many questions are held at a time. Nobody reads more; the rest is refused at once.
const MOST: usize = 32;

mod imp {
    use super::{Guard, QuestionRow};
    use adw::subclass::prelude::*;
    use arkose_session::questions::Decision;
    use gtk::glib;
    use std::cell::{OnceCell, RefCell};
    use std::rc::Rc;

    /// Hears an answer: the question's number, and what the answer is about, where that could be chosen.
    type Answered = dyn Fn(u64, Decision, Option<&str>);

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "window.ui")]
    pub(crate) struct PromptWindow {
        #[template_child]
        pub(super) icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) title: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) how_many: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) questions: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) surplus: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) foot: TemplateChild<adw::Clamp>,
        #[template_child]
        pub(super) no_to_all: TemplateChild<gtk::Button>,
        /// What waits for an answer, in the order in which it was asked.
        pub(super) rows: RefCell<Vec<QuestionRow>>,
        pub(super) app: RefCell<String>,
        pub(super) guard: OnceCell<Rc<Guard>>,
        pub(super) answered: OnceCell<Box<Answered>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for PromptWindow {
        const NAME: &'static str = "ArkosePromptWindow";
        type Type = super::PromptWindow;
        type ParentType = adw::Window;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.set_accessible_role(gtk::AccessibleRole::AlertDialog);
            crate::escape_does(class, "window.close");
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for PromptWindow {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for PromptWindow {
        fn realize(&self) {
            self.parent_realize();
            self.obj().leave_focus();
        }
    }
    impl WindowImpl for PromptWindow {
        fn close_request(&self) -> glib::Propagation {
            self.obj().refuse_all();
            glib::Propagation::Stop
        }
    }
    impl AdwWindowImpl for PromptWindow {}
}

glib::wrapper! {
    /// The window in which a person is asked.
    pub(crate) struct PromptWindow(ObjectSubclass<imp::PromptWindow>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

impl PromptWindow {
    /// A window that shows itself once there is a question; `answered` gets every answer.
    pub(crate) fn new(answered: impl Fn(u64, Decision, Option<&str>) + 'static) -> Self {
        let window: Self = glib::Object::new();
        // It is set once, here.
        let _ = window.imp().answered.set(Box::new(answered));
        window
    }

    /// Asks an X11 window manager to leave the focus where it is: a time of 0 says so. A Wayland
    /// compositor decides by itself.
    fn leave_focus(&self) {
        if let Some(surface) = self.surface().and_downcast::<gdk_x11::X11Surface>() {
            surface.set_user_time(0);
        }
    }

    fn set_up(&self) {
        let imp = self.imp();
        // It names what an app asked for.
        verbatim::wrap(&imp.title, gtk::pango::WrapMode::WordChar);
        imp.questions.connect_row_activated(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_, row| {
                if let Some(row) = row.downcast_ref::<QuestionRow>() {
                    window.unfold(if row.is_unfolded() { None } else { Some(row) });
                }
            }
        ));
        imp.no_to_all.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.refuse_all()
        ));
        let window = self.downgrade();
        let guard = Guard::new(self, move |answerable| {
            if let Some(window) = window.upgrade() {
                window.set_answerable(answerable);
            }
        });
        // It is set once, here.
        let _ = imp.guard.set(guard);
    }

    /// Asks. `Err` when it makes no sense: a number that is taken, another app.
    pub(crate) fn ask(&self, question: &Question) -> Result<(), ()> {
        let imp = self.imp();
        let held = imp.rows.borrow().len();
        let taken = imp.rows.borrow().iter().any(|row| row.number() == question.number);
        let other = held > 0 && *imp.app.borrow() != question.app;
        if taken || other {
            return Err(());
        }
        if held >= MOST {
            imp.surplus.set_visible(true);
            self.answer(question.number, Decision::No, None);
            return Ok(());
        }
        let row = QuestionRow::new(
            question,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |number, decision, scope: Option<&str>| {
                    window.take(number);
                    window.answer(number, decision, scope);
                }
            ),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move || window.moved()
            ),
        );
        imp.questions.append(&row);
        imp.rows.borrow_mut().push(row);
        if held == 0 {
            self.show_app(question);
        }
        // What comes below others moves none of them.
        self.refresh(held <= 1);
        Ok(())
    }

    /// Forgets a question that nobody waits for.
    pub(crate) fn withdraw(&self, number: u64) {
        self.take(number);
    }

    fn refuse_all(&self) {
        while let Some(number) = self.first() {
            self.take(number);
            self.answer(number, Decision::No, None);
        }
    }

    fn first(&self) -> Option<u64> {
        self.imp().rows.borrow().first().map(QuestionRow::number)
    }

    fn answer(&self, number: u64, decision: Decision, scope: Option<&str>) {
        if let Some(answered) = self.imp().answered.get() {
            answered(number, decision, scope);
        }
    }

    /// Takes a question out of the list.
    fn take(&self, number: u64) {
        let imp = self.imp();
        let at = imp.rows.borrow().iter().position(|row| row.number() == number);
        let Some(row) = at.map(|at| imp.rows.borrow_mut().remove(at)) else { return };
        imp.questions.remove(&row);
        self.refresh(true);
    }

    fn show_app(&self, question: &Question) {
        let imp = self.imp();
        imp.app.replace(question.app.clone());
        imp.surplus.set_visible(false);
        GtkWindowExt::set_title(self, Some(&say(N_("{app} Asks"), &[("app", &question.app)])));
        // Desktop entries and icons are files: the question does not wait for them.
        let image = imp.icon.downgrade();
        let desktop = question.desktop.clone();
        glib::idle_add_local_full(glib::Priority::LOW, move || {
            if let Some(image) = image.upgrade() {
                icon::show(&image, desktop.as_deref());
            }
            glib::ControlFlow::Break
        });
    }

    /// Draws how many questions there are; `moved` says that something is no longer where it was.
    fn refresh(&self, moved: bool) {
        let imp = self.imp();
        let rows = imp.rows.borrow().clone();
        let Some(first) = rows.first() else {
            WidgetExt::set_visible(self, false);
            return;
        };
        let alone = rows.len() == 1;
        let how_many = ngettext("wants {count} thing", "wants {count} things", rows.len());
        imp.how_many.set_label(&how_many);
        imp.how_many.set_visible(!alone);
        // What a single question is about is the heading.
        let title = if alone { first.words() } else { imp.app.borrow().clone() };
        imp.title.set_label(&title);
        imp.foot.set_visible(!alone);
        let look = if alone { ["alone"] } else { ["boxed-list"] };
        imp.questions.set_css_classes(&look);
        for row in &rows {
            row.set_alone(alone);
        }
        if alone || !rows.iter().any(QuestionRow::is_unfolded) {
            self.unfold(Some(first));
        }
        if moved {
            self.moved();
        } else {
            self.fit();
        }
        if !self.is_visible() {
            self.present();
            // Until something can be answered, nothing has the focus; then “Deny” has it.
            GtkWindowExt::set_focus(self, gtk::Widget::NONE);
        }
    }

    /// Makes the window as high as what is in it needs.
    fn fit(&self) {
        self.set_default_size(self.default_size().0, -1);
    }

    /// Unfolds one row and folds the others.
    fn unfold(&self, unfolded: Option<&QuestionRow>) {
        for row in self.imp().rows.borrow().iter() {
            row.unfold(Some(row) == unfolded);
        }
        self.moved();
    }

    /// What was somewhere is no longer there, and something else may be.
    fn moved(&self) {
        self.fit();
        if let Some(guard) = self.imp().guard.get() {
            guard.start();
        }
    }

    fn set_answerable(&self, answerable: bool) {
        let imp = self.imp();
        imp.no_to_all.set_sensitive(answerable);
        let rows = imp.rows.borrow().clone();
        for row in &rows {
            row.set_answerable(answerable);
        }
        let focused = GtkWindowExt::focus(self).is_some_and(|widget| widget.is_sensitive());
        if answerable
            && !focused
            && let Some(row) = rows.iter().find(|row| row.is_unfolded())
        {
            row.focus_on_deny();
        }
    }
}
