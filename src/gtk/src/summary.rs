//! What the app can and cannot do, drawn from the policy that would be enforced.
//!
//! ```text
//! Summary
//! ├── level, gist; when narrow a button that unfolds the rest, and “Launch”
//! └── what stands in the way of a launch, what the app can, what it cannot
//! ```
//!
//! Each line leads to the row of its option. The sentences are those of `arkose explain`.

use crate::accessible::{decorative, named};
use crate::i18n::{ngettext, sentence_case, tr};
use crate::verbatim;
use adw::prelude::*;
use arkose_profile::explain::{Explanation, Line};
use arkose_profile::i18n::N_;
use arkose_profile::options::Risk;
use gtk::glib;
use gtk::glib::subclass::prelude::*;

/// What there is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// What the policy allows, and what in the profile's file could not be followed.
    Explained(Explanation, Vec<String>),
    /// Why there is no policy, one sentence each.
    Impossible(Vec<String>),
}

mod imp {
    use super::Content;
    use adw::prelude::*;
    use gtk::glib;
    use gtk::subclass::prelude::*;
    use std::cell::{OnceCell, RefCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "summary.ui")]
    pub(crate) struct Summary {
        #[template_child]
        pub(super) icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) level: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) gist: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) unfold: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub(super) launch: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub(super) problems: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) can_title: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) can: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) cannot_title: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) cannot: TemplateChild<gtk::ListBox>,
        pub(super) shown: RefCell<Option<Content>>,
        pub(super) chosen: OnceCell<Box<dyn Fn(&'static str)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Summary {
        const NAME: &'static str = "ArkoseSummary";
        type Type = super::Summary;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Summary {
        fn constructed(&self) {
            self.parent_constructed();
            self.unfold.bind_property("active", &*self.revealer, "reveal-child").build();
            self.unfold.connect_active_notify(|unfold| {
                let icon = if unfold.is_active() { "pan-down-symbolic" } else { "pan-up-symbolic" };
                unfold.set_icon_name(icon);
            });
            for list in [&*self.can, &*self.cannot] {
                list.connect_row_activated(glib::clone!(
                    #[weak(rename_to = this)]
                    self,
                    move |list, row| this.chosen(list, row)
                ));
            }
        }
    }

    impl Summary {
        fn chosen(&self, list: &gtk::ListBox, row: &gtk::ListBoxRow) {
            let Some(Content::Explained(explanation, _)) = self.shown.borrow().clone() else {
                return;
            };
            let lines = super::sorted(&explanation, *list == *self.can);
            let line = usize::try_from(row.index()).ok().and_then(|at| lines.get(at).copied());
            if let (Some(line), Some(chosen)) = (line, self.chosen.get()) {
                chosen(line.key);
            }
        }
    }

    impl WidgetImpl for Summary {}
    impl BoxImpl for Summary {}
}

glib::wrapper! {
    /// The can/cannot summary.
    pub(crate) struct Summary(ObjectSubclass<imp::Summary>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

/// The lines of one list, the most open first.
fn sorted(explanation: &Explanation, can: bool) -> Vec<&Line> {
    let mut lines: Vec<_> = explanation.lines.iter().filter(|line| line.can == can).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.risk));
    lines
}

/// What the app can reach outside its sandbox, the most open first.
pub(crate) fn reached(explanation: &Explanation) -> impl Iterator<Item = &Line> {
    sorted(explanation, true).into_iter().filter(|line| line.risk > Risk::Contained)
}

/// In one sentence how much that is.
pub(crate) fn gist(explanation: &Explanation) -> String {
    match reached(explanation).count() {
        0 => tr(N_("The app reaches nothing outside its sandbox.")),
        reached => ngettext(
            "The app reaches {count} thing outside its sandbox.",
            "The app reaches {count} things outside its sandbox.",
            reached,
        ),
    }
}

impl Summary {
    /// Calls `chosen` with the option's key when a line is activated.
    pub(crate) fn connect_chosen(&self, chosen: impl Fn(&'static str) + 'static) {
        // It is connected once, by the page that made it.
        let _ = self.imp().chosen.set(Box::new(chosen));
    }

    /// Folds to its first line where it stands below the options.
    pub(crate) fn set_narrow(&self, narrow: bool) {
        let imp = self.imp();
        imp.unfold.set_visible(narrow);
        imp.unfold.set_active(!narrow);
        imp.launch.set_visible(narrow);
        let (now, before) = if narrow { ("below", "beside") } else { ("beside", "below") };
        self.remove_css_class(before);
        self.add_css_class(now);
    }

    /// Shows it; what is shown already is left alone.
    pub(crate) fn show_content(&self, content: Content) {
        let imp = self.imp();
        if imp.shown.borrow().as_ref() == Some(&content) {
            return;
        }
        match &content {
            Content::Explained(explanation, notes) => self.show_explanation(explanation, notes),
            Content::Impossible(sentences) => self.show_problems(sentences),
        }
        imp.shown.replace(Some(content));
    }

    fn show_explanation(&self, explanation: &Explanation, notes: &[String]) {
        let imp = self.imp();
        let level = sentence_case(&tr(explanation.level.title()));
        let head = gist(explanation);
        self.show_head(icon(explanation.level), Some(explanation.level), &level, &head);
        self.show_sentences(notes);
        for (list, title, can) in
            [(&imp.can, &imp.can_title, true), (&imp.cannot, &imp.cannot_title, false)]
        {
            clear(list);
            let lines = sorted(explanation, can);
            title.set_visible(!lines.is_empty());
            list.set_visible(!lines.is_empty());
            for line in lines {
                list.append(&row(line));
            }
        }
    }

    fn show_problems(&self, sentences: &[String]) {
        let imp = self.imp();
        let gist = tr(N_("These settings cannot go together."));
        self.show_head("dialog-warning-symbolic", None, &tr(N_("Cannot Be Launched")), &gist);
        self.show_sentences(sentences);
        for widget in [imp.can.upcast_ref::<gtk::Widget>(), imp.cannot.upcast_ref()] {
            widget.set_visible(false);
        }
        imp.can_title.set_visible(false);
        imp.cannot_title.set_visible(false);
    }

    fn show_sentences(&self, sentences: &[String]) {
        let imp = self.imp();
        while let Some(child) = imp.problems.first_child() {
            imp.problems.remove(&child);
        }
        for sentence in sentences {
            let label = gtk::Label::builder()
                .label(sentence)
                .xalign(0.0)
                .wrap(true)
                .wrap_mode(gtk::pango::WrapMode::WordChar)
                .selectable(true)
                .build();
            imp.problems.append(&label);
        }
        imp.problems.set_visible(!sentences.is_empty());
    }

    fn show_head(&self, icon: &str, level: Option<Risk>, title: &str, gist: &str) {
        let imp = self.imp();
        imp.icon.set_icon_name(Some(icon));
        imp.icon.set_css_classes(&[level.map_or("level-open", class)]);
        imp.level.set_label(title);
        imp.gist.set_label(gist);
    }
}

/// The icon of a level.
pub(crate) fn icon(level: Risk) -> &'static str {
    match level {
        Risk::Contained => "security-high-symbolic",
        Risk::Partial => "security-medium-symbolic",
        Risk::Open => "security-low-symbolic",
    }
}

/// The style class of a level.
pub(crate) fn class(level: Risk) -> &'static str {
    match level {
        Risk::Contained => "level-contained",
        Risk::Partial => "level-partial",
        Risk::Open => "level-open",
    }
}

fn clear(list: &gtk::ListBox) {
    while let Some(row) = list.first_child() {
        list.remove(&row);
    }
}

/// One line, with a mark for those who do not see colours.
pub(crate) fn row(told: &Line) -> gtk::ListBoxRow {
    let row = line(told.can, told.risk, &told.text);
    row.set_tooltip_text(Some(&sentence_case(&told.origin.title().translated(&tr))));
    row
}

/// A sentence about what the app can or cannot, with its mark.
pub(crate) fn line(can: bool, risk: Risk, sentence: &str) -> gtk::ListBoxRow {
    let mark = match (can, risk) {
        (false, _) => "window-close-symbolic",
        (true, Risk::Open) => "dialog-warning-symbolic",
        (true, _) => "object-select-symbolic",
    };
    let mark = gtk::Image::builder().icon_name(mark).valign(gtk::Align::Start).build();
    decorative(&mark);
    mark.add_css_class(if can { class(risk) } else { "dim-label" });
    let text = gtk::Label::builder().label(sentence).xalign(0.0).hexpand(true).build();
    verbatim::wrap(&text, gtk::pango::WrapMode::WordChar);
    let content = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    content.append(&mark);
    content.append(&text);
    let row: gtk::ListBoxRow = named(sentence);
    row.set_child(Some(&content));
    row
}
