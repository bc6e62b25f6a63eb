//! The network rules of an app that runs: which hold, and others from now on.
//!
//! ```text
//! RulesWindow
//! ├── the app's name
//! ├── what becomes of it, name or address, “Add”; what was wrong
//! ├── a row for each rule, in the order in which they decide
//! └── what becomes of everything else
//! ```
//!
//! Each change counts at once; what holds is read anew after it.

use crate::accessible::named;
use crate::i18n::{ngettext, say, tr};
use crate::model::rules;
use crate::model::running::Seen;
use crate::verbatim;
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::explain::{network_default, network_rule};
use arkose_profile::i18n::N_;
use arkose_profile::net::{Change, Rule, Rules, Verdict};
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};

/// What becomes of a connection, in the order of both choices; message ids.
const VERDICTS: [(Verdict, &str); 3] = [
    (Verdict::Allow, N_("Allowed")),
    (Verdict::Deny, N_("Refused")),
    (Verdict::Ask, N_("Asked first")),
];

mod imp {
    use adw::subclass::prelude::*;
    use gtk::glib;
    use std::cell::{Cell, OnceCell};

    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "rules_window.ui")]
    pub(crate) struct RulesWindow {
        #[template_child]
        pub(super) heading: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub(super) verdict: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub(super) text: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub(super) add: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) trouble: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) list: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) otherwise: TemplateChild<adw::ComboRow>,
        /// The id of the sandbox.
        pub(super) id: OnceCell<String>,
        /// Whether what holds is being shown, which is no choice of the person's.
        pub(super) showing: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RulesWindow {
        const NAME: &'static str = "ArkoseRulesWindow";
        type Type = super::RulesWindow;
        type ParentType = adw::Window;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            crate::escape_does(class, "window.close");
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for RulesWindow {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_up();
        }
    }

    impl WidgetImpl for RulesWindow {}
    impl WindowImpl for RulesWindow {}
    impl AdwWindowImpl for RulesWindow {}
}

glib::wrapper! {
    /// The window.
    pub(crate) struct RulesWindow(ObjectSubclass<imp::RulesWindow>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

impl RulesWindow {
    /// Shows the rules of a sandbox.
    pub(crate) fn open(parent: &Window, seen: &Seen) {
        let window: Self = glib::Object::builder().property("transient-for", parent).build();
        let imp = window.imp();
        // Set once, here.
        let _ = imp.id.set(seen.id.clone());
        imp.heading.set_subtitle(&seen.name);
        // On a narrow screen it is no wider than what it stands over.
        window.set_default_width(window.default_width().min(parent.width()));
        window.read();
        window.present();
    }

    fn set_up(&self) {
        let imp = self.imp();
        let words = VERDICTS.map(|(_, word)| tr(word));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for row in [&imp.verdict, &imp.otherwise] {
            row.set_model(Some(&gtk::StringList::new(&words)));
        }
        imp.text.connect_changed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |text| window.imp().add.set_sensitive(!text.text().trim().is_empty())
        ));
        imp.text.connect_entry_activated(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.add()
        ));
        imp.add.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.add()
        ));
        imp.otherwise.connect_selected_notify(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |row| {
                if !window.imp().showing.get() {
                    window.change(rules::defaulting(chosen(row)));
                }
            }
        ));
    }

    /// Adds what is written, or says what is wrong with it.
    fn add(&self) {
        let imp = self.imp();
        match rules::adding(chosen(&imp.verdict), &imp.text.text()) {
            Ok(change) => self.change(change),
            Err(why) => self.tell(&why.translated(&tr)),
        }
    }

    /// Says what is wrong; nothing, where nothing is.
    fn tell(&self, trouble: &str) {
        let label = &self.imp().trouble;
        label.set_label(trouble);
        label.set_visible(!trouble.is_empty());
    }

    fn change(&self, change: Change) {
        let Some(id) = self.imp().id.get().cloned() else { return };
        let added = !change.add.is_empty();
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let done = gio::spawn_blocking(move || rules::change(&id, &change)).await;
            let Some(window) = window.upgrade() else { return };
            match done {
                Ok(Ok(())) => {
                    window.tell("");
                    if added {
                        window.imp().text.set_text("");
                    }
                }
                Ok(Err(why)) => window.tell(&why.message().translated(&tr)),
                Err(_) => {}
            }
            window.read();
        });
    }

    /// Reads which rules hold, and shows them.
    fn read(&self) {
        let Some(id) = self.imp().id.get().cloned() else { return };
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let read = gio::spawn_blocking(move || rules::read(&id)).await;
            let Some(window) = window.upgrade() else { return };
            match read {
                Ok(Ok(rules)) => window.show_rules(&rules),
                Ok(Err(why)) => window.tell(&why.message().translated(&tr)),
                Err(_) => {}
            }
        });
    }

    fn show_rules(&self, rules: &Rules) {
        let imp = self.imp();
        let focused = imp.list.focus_child().and_downcast::<gtk::ListBoxRow>();
        let focused = focused.map(|row| row.index());
        while let Some(row) = imp.list.row_at_index(0) {
            imp.list.remove(&row);
        }
        let ordered = rules.ordered();
        for (_, rule) in ordered.iter().take(rules::MOST) {
            imp.list.append(&self.row(rule));
        }
        let more = ordered.len().saturating_sub(rules::MOST);
        if more > 0 {
            let row = adw::ActionRow::new();
            row.set_title(&ngettext("{count} more rule", "{count} more rules", more));
            row.add_css_class("explanation");
            imp.list.append(&row);
        }
        // The focus stays near where it was when the rule that had it goes.
        let last = i32::try_from(ordered.len()).unwrap_or(i32::MAX) - 1;
        if let Some(row) = focused.and_then(|at| imp.list.row_at_index(at.min(last))) {
            row.grab_focus();
        }
        imp.showing.set(true);
        let at = VERDICTS.iter().position(|(verdict, _)| *verdict == rules.default);
        imp.otherwise.set_selected(at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0));
        imp.otherwise.set_subtitle(&tr(network_default(rules.default)));
        imp.otherwise.set_sensitive(true);
        imp.showing.set(false);
    }

    fn row(&self, rule: &Rule) -> gtk::ListBoxRow {
        let row = verbatim::Row::new(&network_rule(rule).translated(&tr));
        row.explain(&format!("{} {rule}", rule.verdict));
        let name = say(N_("Remove {entry}"), &[("entry", &rule.to_string())]);
        let remove: gtk::Button = named(&name);
        remove.set_icon_name("list-remove-symbolic");
        remove.set_valign(gtk::Align::Center);
        remove.set_css_classes(&["flat", "circular"]);
        remove.set_tooltip_text(Some(&name));
        remove.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[strong]
            rule,
            move |_| window.change(rules::removing(rule.clone()))
        ));
        row.add_suffix(&remove);
        row.row
    }
}

fn chosen(row: &adw::ComboRow) -> Verdict {
    let at = usize::try_from(row.selected()).unwrap_or(usize::MAX);
    VERDICTS.get(at).map_or(Verdict::Deny, |(verdict, _)| *verdict)
}
